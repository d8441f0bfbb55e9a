"""The demo: an invented retailer with three simulated clusters and five weeks of cost, and its removal.

`catalogue` says what there is, `world` makes a document of it for an instant, the other modules bring the document
into the rooms through their own services. What was loaded is marked `is_demo` and can be removed whole.
"""

from portal.home.demo.loading import Loaded, load
from portal.home.demo.removing import remove

__all__ = ["Loaded", "load", "remove"]
