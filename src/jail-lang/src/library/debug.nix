# Traces and tests. `lib` is the whole library: each entry is read when it is first needed (`mod.rs`).
lib: {
  traceIf =
    condition: message: value:
    if condition then builtins.trace message value else value;

  traceVal = value: builtins.trace value value;

  traceValFn = f: value: builtins.trace (f value) value;

  traceSeq = shown: value: builtins.trace (builtins.deepSeq shown shown) value;

  traceValSeq = value: lib.traceSeq value value;

  traceValSeqFn = f: value: builtins.deepSeq value (builtins.trace (f value) value);

  traceSeqN =
    depth: shown: value:
    let
      hidden = text: {
        __pretty = _: text;
        val = null;
      };
      cut =
        depth: value:
        if builtins.isList value then
          if depth == 0 then hidden "[…]" else map (cut (depth - 1)) value
        else if builtins.isAttrs value then
          if depth == 0 then hidden "{…}" else builtins.mapAttrs (_: cut (depth - 1)) value
        else
          value;
    in
    builtins.trace (lib.generators.toPretty { allowPrettyValues = true; } (cut depth shown)) value;

  traceValSeqN = depth: value: lib.traceSeqN depth value value;

  traceValSeqNFn =
    f: depth: value:
    lib.traceSeqN depth (f value) value;

  traceFnSeqN =
    depth: name: f: value:
    let
      result = f value;
    in
    lib.traceSeqN (depth + 1) {
      fn = name;
      from = value;
      to = result;
    } result;

  runTests =
    tests:
    let
      wanted = tests.tests or [ ];
      isRun = name: if wanted == [ ] then lib.hasPrefix "test" name else builtins.elem name wanted;
      failed = name: isRun name && tests.${name}.expr != tests.${name}.expected;
      report = name: {
        inherit name;
        inherit (tests.${name}) expected;
        result = tests.${name}.expr;
      };
    in
    map report (builtins.filter failed (builtins.attrNames tests));

  testAllTrue = expr: {
    inherit expr;
    expected = map (_: true) expr;
  };

  debug.throwTestFailures =
    {
      failures,
      description ? "tests",
      ...
    }:
    if failures == [ ] then
      null
    else
      throw "${toString (builtins.length failures)} ${description} failed: ${
        lib.generators.toPretty { } failures
      }";

}
