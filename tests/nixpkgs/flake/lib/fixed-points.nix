# Fixed points and overlays.
lib: {
  fix =
    function:
    let
      result = function result;
    in
    result;

  extends =
    overlay: base: final:
    let
      prev = base final;
    in
    prev // overlay final prev;

  composeExtensions =
    first: second: final: prev:
    let
      once = first final prev;
    in
    once // second final (prev // once);

  composeManyExtensions = lib.foldr lib.composeExtensions (_: _: { });
}
