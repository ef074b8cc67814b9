# Outputs of packages. Of a package that only Nix knows they stay source. `lib` is the whole library: each entry is read when
# it is first needed (`mod.rs`).
lib: {
  getOutput =
    output: package:
    if package.outputSpecified or false then package else package.${output} or (package.out or package);

  getFirstOutput =
    outputs: package:
    let
      names = builtins.filter (name: package ? ${name}) outputs;
    in
    if package.outputSpecified or false || names == [ ] then
      package
    else
      package.${builtins.head names};

  getBin =
    package:
    if package.outputSpecified or false then package else package.bin or (package.out or package);

  getLib =
    package:
    if package.outputSpecified or false then package else package.lib or (package.out or package);

  getDev =
    package:
    if package.outputSpecified or false then package else package.dev or (package.out or package);

  getMan =
    package:
    if package.outputSpecified or false then package else package.man or (package.out or package);

  getStatic =
    package:
    if package.outputSpecified or false then
      package
    else
      package.static or (package.lib or (package.out or package));

  getInclude =
    package:
    if package.outputSpecified or false then
      package
    else
      package.include or (package.dev or (package.out or package));

  chooseDevOutputs = map lib.getDev;

  # That a package is `null` is for Nix to say, so a list with a package stays source as a whole.
  makeSearchPathOutput =
    output: sub: packages:
    if builtins.elem null packages then
      lib.makeSearchPathOutput output sub (lib.remove null packages)
    else
      lib.makeSearchPath sub (map (lib.getOutput output) packages);

  makeBinPath =
    packages:
    if builtins.elem null packages then
      lib.makeBinPath (lib.remove null packages)
    else
      lib.makeSearchPathOutput "bin" "bin" packages;

  makeLibraryPath =
    packages:
    if builtins.elem null packages then
      lib.makeLibraryPath (lib.remove null packages)
    else
      lib.makeSearchPathOutput "lib" "lib" packages;

  makeIncludePath =
    packages:
    if builtins.elem null packages then
      lib.makeIncludePath (lib.remove null packages)
    else
      lib.makeSearchPathOutput "dev" "include" packages;

}
