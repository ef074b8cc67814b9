"""A model that runs one shell command and is done, behind four HTTP interfaces."""
