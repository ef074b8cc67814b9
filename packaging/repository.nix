# The repository on GitHub that this source is published in: `{ owner = "…"; repo = "…"; }`, and null as long as there is none. Flakes that a
# packaged jailgen emits name it, so it must be a repository that has the commit which was built. Where the documents and the
# templates say OWNER, this owner is meant.
null
