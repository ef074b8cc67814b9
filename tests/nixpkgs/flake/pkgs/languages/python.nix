# Debian's Python, with `withPackages`, `pkgs` and `packageOverrides` as nixpkgs has them.
#
# The packages themselves are stand-ins of a few lines: what tests need is that a spec's
# `python3.withPackages (ps: with ps; [ … ])` gives a Python that finds exactly those.
{
  lib,
  final,
  python,
  interpreter,
}:
{
  packageOverrides ? (_: _: { }),
  ...
}:
let
  sitePackages = "lib/${python}/site-packages";

  modulePackage =
    name: module: source:
    final.runCommand "${python}-${name}-standin"
      {
        pname = name;
        version = "0-standin";
        inherit module source;
        passthru.pythonModule = interpreter;
      }
      ''
        folder=$out/${sitePackages}/$module
        mkdir -p "$folder"
        cp "$source" "$folder/__init__.py"
        substitution="s/@name@/$pname/"
        sed -i "$substitution" "$folder/__init__.py"
      '';

  # What is imported is not always what the package is called.
  generic = lib.mapAttrs (name: module: modulePackage name module ./modules/generic.py) {
    anthropic = "anthropic";
    beautifulsoup4 = "bs4";
    black = "black";
    click = "click";
    django = "django";
    fastapi = "fastapi";
    flask = "flask";
    httpx = "httpx";
    ipython = "IPython";
    jinja2 = "jinja2";
    matplotlib = "matplotlib";
    mypy = "mypy";
    openai = "openai";
    pandas = "pandas";
    pip = "pip";
    pillow = "PIL";
    pydantic = "pydantic";
    pytest = "pytest";
    python-dotenv = "dotenv";
    pyyaml = "yaml";
    rich = "rich";
    ruff = "ruff";
    scikit-learn = "sklearn";
    scipy = "scipy";
    setuptools = "setuptools";
    sqlalchemy = "sqlalchemy";
    torch = "torch";
    tqdm = "tqdm";
    uvicorn = "uvicorn";
    virtualenv = "virtualenv";
    wheel = "wheel";
  };
  packages =
    _:
    generic
    // {
      numpy = modulePackage "numpy" "numpy" ./modules/numpy.py;
      requests = modulePackage "requests" "requests" ./modules/requests.py;
      python = interpreter;
    };
  pkgs = lib.fix (lib.extends packageOverrides packages);

  # A virtual environment: Python itself finds the site-packages beside pyvenv.cfg, also when
  # the environment is cleared, and no wrapper is needed.
  environment =
    extraLibs:
    final.runCommand "${interpreter.name}-env"
      {
        modules = extraLibs;
        meta = interpreter.meta;
        passthru.interpreter = "${interpreter}/bin/python3";
      }
      ''
        mkdir -p $out/bin $out/${sitePackages}
        for program in python python3 ${python}; do
          ln -s ${interpreter}/bin/${python} $out/bin/$program
        done
        printf 'home = %s\ninclude-system-site-packages = false\n' ${interpreter}/bin >$out/pyvenv.cfg
        for module in $modules; do
          for item in $module/${sitePackages}/*; do
            ln -s "$item" $out/${sitePackages}/
          done
        done
      '';
in
interpreter
// {
  inherit pkgs sitePackages;
  withPackages = choose: environment (choose pkgs);
  buildEnv = lib.makeOverridable (
    {
      extraLibs ? [ ],
      ...
    }:
    environment extraLibs
  ) { };
  pythonVersion = lib.removePrefix "python" python;
  interpreter = "${interpreter}/bin/python3";
}
