# Makes the wrapper of a policy: an attribute set as `jailgen emit` writes it, with version, name and grants, and from its `lines.json`
# the places of these, for messages.
{ mkDerivation }:
policy:
mkDerivation policy.name { inherit policy; } { }
// {
  meta = {
    inherit (policy) name;
    description = "${policy.name}, in a jail";
    mainProgram = policy.name;
  };
  passthru = {
    inherit policy;
  };
}
