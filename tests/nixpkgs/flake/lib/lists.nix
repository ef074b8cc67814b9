# Lists.
lib:
let
  inherit (builtins)
    concatMap
    elem
    elemAt
    filter
    foldl'
    genList
    isList
    length
    ;
in
{
  inherit (builtins)
    all
    any
    concatLists
    concatMap
    elem
    elemAt
    filter
    foldl'
    genList
    groupBy
    head
    isList
    length
    map
    partition
    sort
    tail
    ;

  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: list: if condition then list else [ ];
  singleton = value: [ value ];
  toList = value: if isList value then value else [ value ];
  flatten = value: if isList value then concatMap lib.flatten value else [ value ];
  unique = foldl' (seen: value: if elem value seen then seen else seen ++ [ value ]) [ ];
  remove = unwanted: filter (value: value != unwanted);
  subtractLists = unwanted: filter (value: !(elem value unwanted));
  last = list: elemAt list (length list - 1);
  imap0 = function: list: genList (index: function index (elemAt list index)) (length list);
  imap1 = function: list: genList (index: function (index + 1) (elemAt list index)) (length list);
  range = first: end: if first > end then [ ] else genList (offset: first + offset) (end - first + 1);
  reverseList = list: genList (index: elemAt list (length list - 1 - index)) (length list);
  zipListsWith =
    function: left: right:
    genList (index: function (elemAt left index) (elemAt right index)) (
      if length left < length right then length left else length right
    );
  foldr =
    function: start: list:
    let
      from =
        index: if index == length list then start else function (elemAt list index) (from (index + 1));
    in
    from 0;
  findFirst =
    accepts: default: list:
    let
      found = filter accepts list;
    in
    if found == [ ] then default else builtins.head found;
}
