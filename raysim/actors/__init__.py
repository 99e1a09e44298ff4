"""Every Ray call: actors, their placement, the cluster.

Actors only delegate, so that what they do is tested without Ray.
Import what a user actor needs from `user` alone: its process must stay small.
"""
