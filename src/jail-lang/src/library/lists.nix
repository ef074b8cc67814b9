# Lists. `lib` is the whole library: each entry is read when it is first needed (`mod.rs`).
lib: {
  singleton = x: [ x ];

  forEach = list: f: map f list;

  fold = lib.foldr;

  foldl =
    op: nul: list:
    lib.foldr (x: acc: op acc x) nul (lib.reverseList list);

  foldl' =
    op: nul: list:
    builtins.seq nul (builtins.foldl' op nul list);

  imap0 = f: list: builtins.genList (n: f n (builtins.elemAt list n)) (builtins.length list);

  imap1 = f: list: builtins.genList (n: f (n + 1) (builtins.elemAt list n)) (builtins.length list);

  concatMap = builtins.concatMap;

  concatLists = builtins.concatLists;

  flatten = x: if builtins.isList x then builtins.concatMap (y: lib.flatten y) x else [ x ];

  remove = e: builtins.filter (x: x != e);

  findSingle =
    test: default: multiple: list:
    let
      found = builtins.filter test list;
      len = builtins.length found;
    in
    if len == 0 then
      default
    else if len != 1 then
      multiple
    else
      builtins.head found;

  findFirst =
    test: default: list:
    let
      index = lib.lists.findFirstIndex test null list;
    in
    if index == null then default else builtins.elemAt list index;

  any = builtins.any;

  all = builtins.all;

  count = test: builtins.foldl' (c: x: if test x then c + 1 else c) 0;

  optional = condition: x: if condition then [ x ] else [ ];

  optionals = condition: list: if condition then list else [ ];

  toList = x: if builtins.isList x then x else [ x ];

  range =
    first: last: if first > last then [ ] else builtins.genList (n: first + n) (last - first + 1);

  replicate = n: x: builtins.genList (_: x) n;

  partition = builtins.partition;

  groupBy' =
    op: nul: test: list:
    builtins.mapAttrs (name: builtins.foldl' op nul) (builtins.groupBy test list);

  groupBy = builtins.groupBy;

  zipListsWith =
    f: a: b:
    builtins.genList (n: f (builtins.elemAt a n) (builtins.elemAt b n)) (
      lib.min (builtins.length a) (builtins.length b)
    );

  zipLists = lib.zipListsWith (fst: snd: { inherit fst snd; });

  reverseList =
    list:
    let
      len = builtins.length list;
    in
    builtins.genList (n: builtins.elemAt list (len - n - 1)) len;

  sort = builtins.sort;

  sortOn =
    f: list:
    map (x: builtins.elemAt x 1) (
      builtins.sort (a: b: builtins.head a < builtins.head b) (
        map (x: [
          (f x)
          x
        ]) list
      )
    );

  naturalSort =
    list:
    map (x: builtins.elemAt x 1) (
      builtins.sort (a: b: builtins.head a < builtins.head b) (
        map (x: [
          (map (part: if builtins.isList part then lib.toInt (builtins.head part) else part) (
            builtins.split "(0|[1-9][0-9]*)" x
          ))
          x
        ]) list
      )
    );

  compareLists =
    cmp: a: b:
    if a == [ ] then
      (if b == [ ] then 0 else -1)
    else if b == [ ] then
      1
    else
      let
        rel = cmp (builtins.head a) (builtins.head b);
      in
      if rel == 0 then lib.compareLists cmp (builtins.tail a) (builtins.tail b) else rel;

  take = count: lib.sublist 0 count;

  takeEnd = n: list: lib.drop (lib.max 0 (builtins.length list - n)) list;

  drop = count: list: lib.sublist count (builtins.length list) list;

  dropEnd = n: list: lib.take (lib.max 0 (builtins.length list - n)) list;

  sublist =
    start: count: list:
    let
      len = builtins.length list;
    in
    builtins.genList (n: builtins.elemAt list (n + start)) (
      if start >= len then
        0
      else if start + count > len then
        len - start
      else
        count
    );

  last =
    list:
    if list == [ ] then
      throw "lib.last: the list is empty"
    else
      builtins.elemAt list (builtins.length list - 1);

  init =
    list:
    if list == [ ] then
      throw "lib.init: the list is empty"
    else
      lib.take (builtins.length list - 1) list;

  head = builtins.head;

  tail = builtins.tail;

  length = builtins.length;

  elem = builtins.elem;

  elemAt = builtins.elemAt;

  filter = builtins.filter;

  map = builtins.map;

  genList = builtins.genList;

  crossLists = f: builtins.foldl' (fs: args: builtins.concatMap (f: map f args) fs) [ f ];

  cartesianProductOfSets = lib.cartesianProduct;

  cartesianProduct =
    sets:
    builtins.foldl' (
      done: name: builtins.concatMap (set: map (value: set // { ${name} = value; }) sets.${name}) done
    ) [ { } ] (builtins.attrNames sets);

  unique = builtins.foldl' (acc: e: if builtins.elem e acc then acc else acc ++ [ e ]) [ ];

  uniqueStrings = list: builtins.attrNames (builtins.groupBy (x: x) list);

  allUnique = list: builtins.length (lib.unique list) == builtins.length list;

  intersectLists = e: builtins.filter (x: builtins.elem x e);

  subtractLists = e: builtins.filter (x: !(builtins.elem x e));

  mutuallyExclusive = a: b: builtins.length a == 0 || !(builtins.any (x: builtins.elem x a) b);

  lists.hasPrefix = a: b: lib.take (builtins.length a) b == a;

  lists.removePrefix =
    a: b:
    if lib.lists.hasPrefix a b then
      lib.drop (builtins.length a) b
    else
      throw "lib.lists.removePrefix: the first list is no prefix of the second";

  lists.commonPrefix =
    a: b:
    let
      m = lib.min (builtins.length a) (builtins.length b);
      go = n: if n < m && builtins.elemAt a n == builtins.elemAt b n then go (n + 1) else n;
    in
    lib.take (go 0) a;

  ifilter0 =
    test: list: builtins.concatMap (x: x) (lib.imap0 (i: v: if test i v then [ v ] else [ ]) list);

  concatAttrValues = set: builtins.concatLists (builtins.attrValues set);

  replaceElemAt =
    list: index: value:
    if index < 0 || index >= builtins.length list then
      throw "lib.replaceElemAt: there is no element ${toString index}"
    else
      lib.imap0 (n: x: if n == index then value else x) list;

  listDfs =
    stopOnCycles: before: list:
    let
      go =
        here: visited: rest:
        let
          loops = if stopOnCycles then builtins.filter (x: before x here) visited else [ ];
          next = builtins.partition (x: before x here) rest;
        in
        if loops != [ ] then
          {
            cycle = here;
            inherit loops visited rest;
          }
        else if next.right == [ ] then
          {
            minimal = here;
            inherit visited rest;
          }
        else
          go (builtins.head next.right) ([ here ] ++ visited) (builtins.tail next.right ++ next.wrong);
    in
    go (builtins.head list) [ ] (builtins.tail list);

  toposort =
    before:
    let
      go =
        sorted: list:
        let
          found = lib.listDfs true before list;
        in
        if builtins.length list < 2 then
          { result = sorted ++ list; }
        else if found ? cycle then
          {
            cycle = lib.reverseList ([ found.cycle ] ++ found.visited);
            inherit (found) loops;
          }
        else
          go (sorted ++ [ found.minimal ]) (found.visited ++ found.rest);
    in
    go [ ];

}
