"""What runs Paddock on one machine: embedded servers, packages, assets and one supervisor.

Nothing here imports Django, and nothing but the standard library is needed to import any module,
so that ``python3 -m portal.local`` works before the packages are installed.
"""
