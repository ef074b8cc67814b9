# Functions about nothing in particular.
{
  inherit (builtins)
    fromJSON
    functionArgs
    isBool
    isFunction
    isInt
    isPath
    isString
    pathExists
    readFile
    seq
    toJSON
    trace
    ;

  id = value: value;
  const = value: _: value;
  flip =
    function: first: second:
    function second first;
  pipe = builtins.foldl' (value: function: function value);
  boolToString = value: if value then "true" else "false";

  warn = message: builtins.trace "warning: ${message}";
  warnIf =
    condition: message: if condition then builtins.trace "warning: ${message}" else value: value;
  throwIf = condition: message: if condition then throw message else value: value;
  throwIfNot = condition: message: if condition then value: value else throw message;
  assertMsg = condition: message: condition || throw message;

  importJSON = path: builtins.fromJSON (builtins.readFile path);
  setFunctionArgs = function: arguments: {
    __functor = _: function;
    __functionArgs = arguments;
  };
  release = "26.11";
}
