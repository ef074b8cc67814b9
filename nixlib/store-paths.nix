# The store paths that a string names, each once, with its context.
#
# The characters alone do not show where a store path ends: `see ${pkgs.git}.` has a full stop that
# could belong to the name. The string's context does: it has the names of all that can occur.
string:
let
  context = builtins.getContext string;

  # A path that was copied to the store is in the context itself; a derivation's output is
  # called as the derivation, with the output's name behind it unless that is `out`.
  namesOf =
    path:
    let
      name = builtins.substring 33 (-1) (baseNameOf path);
      withoutSuffix = builtins.substring 0 (builtins.stringLength name - 4) name;
      outputName = output: if output == "out" then withoutSuffix else "${withoutSuffix}-${output}";
      entry = context.${path};
    in
    map outputName (entry.outputs or [ ]) ++ (if entry.path or false then [ name ] else [ ]);

  # Longest first, so that `git-2.50-doc` is not taken for `git-2.50`.
  names = builtins.sort (a: b: builtins.stringLength a > builtins.stringLength b) (
    builtins.concatMap namesOf (builtins.attrNames context)
  );

  hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;

  # `found` is a hash and what may be a name and more. What the context does not know was written
  # out by hand; the seal refuses it with the line of the spec.
  pathsOf =
    found:
    let
      name = builtins.substring 33 (-1) found;
      fitting = builtins.filter (candidate: hasPrefix candidate name) names;
    in
    if fitting == [ ] then
      [ ]
    else
      [ "${builtins.storeDir}/${builtins.substring 0 33 found}${builtins.head fitting}" ];

  pieces = builtins.split "${builtins.storeDir}/([0-9a-z]{32}-[-+._?=0-9a-zA-Z]+)" (
    builtins.unsafeDiscardStringContext string
  );
  paths = builtins.concatMap (match: pathsOf (builtins.head match)) (
    builtins.filter builtins.isList pieces
  );
  unique = builtins.attrNames (
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = null;
      }) paths
    )
  );
in
map (path: builtins.appendContext path context) unique
