"""What leaves Paddock for people and other systems: mail, signed webhooks, and lines of the audit.

Rooms write a row in their own transaction (`services.mail`, `webhook`, `stream`, `mail_from_template`); a job delivers
it, again and again for a day if need be. Nothing in a page's request speaks to a target.
"""
