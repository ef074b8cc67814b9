//! Diagnostics: what is wrong with a place in a spec, for its author.
//!
//! They are defined here, below the language, because lowering finds faults as well as evaluation
//! does. The driver renders them.

use jail_policy::Severity as HowBad;

use crate::term::Place;

/// A fault in a spec, or something that looks like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable name.
    pub code: Code,
    /// Whether the spec can still be compiled.
    pub severity: Severity,
    /// The severity, if it is about a dangerous grant.
    pub danger: Option<HowBad>,
    /// One sentence, in lower case, without a full stop or a line break. It makes sense alone.
    pub message: String,
    /// The text that is wrong; `None` for the Nix library, which has no places.
    pub primary: Option<Place>,
    /// What is wrong with that text.
    pub label: String,
    /// Another place that belongs to it, with its label: "first granted here".
    pub secondary: Vec<(Place, String)>,
    /// What to do.
    pub help: Option<String>,
    /// What was being evaluated, innermost first, up to five.
    pub stack: Vec<(Place, String)>,
}

/// Whether the spec can still be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It can, unless `--deny warnings` is given.
    Warning,
    /// It cannot be compiled.
    Error,
}

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    pub fn error(code: Code, primary: Option<Place>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, primary, message.into())
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(code: Code, primary: Option<Place>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, primary, message.into())
    }

    fn new(code: Code, severity: Severity, primary: Option<Place>, message: String) -> Self {
        let (label, help) = (String::new(), None);
        Self {
            code,
            severity,
            danger: None,
            message,
            primary,
            label,
            secondary: Vec::new(),
            help,
            stack: Vec::new(),
        }
    }

    /// The same with a label.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with a help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Diagnostic {
    /// The same with another place that belongs to it.
    #[must_use]
    pub fn secondary(mut self, place: Place, label: impl Into<String>) -> Self {
        self.secondary.push((place, label.into()));
        self
    }
}

impl Code {
    /// Whether the text that it is about may be a secret. Such a text is not printed.
    #[must_use]
    pub const fn hides_text(self) -> bool {
        matches!(self, Self::SecretInSpec)
    }
}

macro_rules! codes {
    ($( $(#[$doc:meta])+ $code:ident = $name:literal, )*) => {
        /// The stable names of diagnostics; `docs/diagnostics.md` has a paragraph for
        /// each. They are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $( $(#[$doc])+ $code, )* }

        impl Code {
            /// All of them, in alphabetical order of their names.
            pub const ALL: &'static [Self] = &[ $( Self::$code, )* ];

            /// The name of the code in messages, in JSON and in docs/diagnostics.md.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$code => $name, )* }
            }
        }
    };
}

codes! {
    /// The spec called `abort`.
    Aborted = "aborted",
    /// A `wrap-entry` script that passes no arguments on.
    ArgumentsDropped = "arguments-dropped",
    /// The condition of an `assert` is false.
    AssertionFailed = "assertion-failed",
    /// A text for `noescape` that is not in the expansion language.
    BadExpansion = "bad-expansion",
    /// A glob that cannot match anything.
    BadGlob = "bad-glob",
    /// A header that no secret can be put into.
    BadHeader = "bad-header",
    /// A host that no rule of the network can name.
    BadHost = "bad-host",
    /// A host name that no host may have.
    BadHostname = "bad-hostname",
    /// An amount that is not possible for its limit.
    BadLimit = "bad-limit",
    /// A number that is not a port.
    BadPort = "bad-port",
    /// An address of a proxy that cannot be used.
    BadProxy = "bad-proxy",
    /// A method or path of requests that no rule can have.
    BadRequest = "bad-request",
    /// A text that is not an address of a DNS server.
    BadResolver = "bad-resolver",
    /// A secret without hosts, or without one source.
    BadSecret = "bad-secret",
    /// A text that is not a size.
    BadSize = "bad-size",
    /// An address of a service that no secret is sent to.
    BadUpstream = "bad-upstream",
    /// A name that no user may have.
    BadUserName = "bad-user-name",
    /// HOME is set to where no home folder is.
    BreaksHome = "breaks-home",
    /// PATH is set so that commands of the spec are not found.
    BreaksPath = "breaks-path",
    /// A name that no program inside may have for a channel.
    ChannelName = "channel-name",
    /// A combinator where a package belongs.
    CombinatorAsPackage = "combinator-as-package",
    /// A text that wants a command to be run while it is expanded.
    CommandSubstitution = "command-substitution",
    /// Two grants for one place that do not agree.
    ConflictingGrants = "conflicting-grants",
    /// Two combinators that cannot hold together.
    Contradiction = "contradiction",
    /// A text that is not in the format that it is read as.
    Data = "data",
    /// Something that Nix reads differently than jailgen.
    DiffersInNix = "differs-in-nix",
    /// A division by zero.
    DivisionByZero = "division-by-zero",
    /// An attribute that a set gives twice.
    DuplicateAttribute = "duplicate-attribute",
    /// Two jails of one name.
    DuplicateJail = "duplicate-jail",
    /// An overlay that is made of no folder.
    EmptyOverlay = "empty-overlay",
    /// A file that is not UTF-8.
    Encoding = "encoding",
    /// A name that no environment variable may have.
    EnvironmentName = "environment-name",
    /// An expression that evaluators of Nix give different values.
    EvaluatorDependent = "evaluator-dependent",
    /// A key that could stay outside is passed on.
    ForwardsKey = "forwards-key",
    /// A grant of keys, tokens or profiles.
    GrantsCredentials = "grants-credentials",
    /// A grant of devices of the machine.
    GrantsDevices = "grants-devices",
    /// A grant of all of the home folder.
    GrantsHome = "grants-home",
    /// A grant of a service that acts for every client.
    GrantsHostServices = "grants-host-services",
    /// A grant of the kernel's own files.
    GrantsKernel = "grants-kernel",
    /// A grant of the Nix daemon.
    GrantsNixDaemon = "grants-nix-daemon",
    /// A grant of the host's root folder.
    GrantsRoot = "grants-root",
    /// A grant that a later one covers.
    HiddenGrant = "hidden-grant",
    /// The working folder may be the home folder.
    HomeAsFolder = "home-as-folder",
    /// A name for a kept home folder that is not a file name.
    HomeName = "home-name",
    /// Something that a pure evaluation does not know.
    Impure = "impure",
    /// A value that needs itself.
    InfiniteRecursion = "infinite-recursion",
    /// A number beyond 64 bits.
    IntegerOverflow = "integer-overflow",
    /// A jail's name that is not a file name.
    JailName = "jail-name",
    /// A string that looks as if it were to be expanded, but is not.
    LiteralExpansion = "literal-expansion",
    /// An evaluation that needs too much memory.
    MemoryLimit = "memory-limit",
    /// An argument that must be given.
    MissingArgument = "missing-argument",
    /// An attribute that a set does not have.
    MissingAttribute = "missing-attribute",
    /// A file that does not exist.
    MissingFile = "missing-file",
    /// A package that a combinator needs and that is not in the term.
    MissingPackage = "missing-package",
    /// A kind of file system that `mount` does not know.
    MountKind = "mount-kind",
    /// A spec that makes no jail.
    NoJail = "no-jail",
    /// A package that does not say which of its programs is the main one.
    NoMainProgram = "no-main-program",
    /// A call of something that is not a function.
    NotAFunction = "not-a-function",
    /// A part of a Nix file that has no place in a spec; only `jailgen import` says so.
    NotImported = "not-imported",
    /// A text with a NUL byte, where the kernel would stop reading.
    NulByte = "nul-byte",
    /// An index that a list or string does not have.
    OutOfBounds = "out-of-bounds",
    /// A path outside the spec's folder.
    OutsideFolder = "outside-folder",
    /// A number of arguments other than the signature's.
    ParamCount = "param-count",
    /// An argument of the wrong type.
    ParamType = "param-type",
    /// A path with a `..` component.
    ParentComponent = "parent-component",
    /// A text that is not a regular expression.
    Pattern = "pattern",
    /// Arguments of bubblewrap that a jail cannot be given, or that cannot be read.
    RawArgument = "raw-argument",
    /// An evaluation that is nested too deeply.
    RecursionLimit = "recursion-limit",
    /// A program, a folder or a source on the host that is not absolute.
    RelativePath = "relative-path",
    /// A mount target that is not absolute.
    RelativeTarget = "relative-target",
    /// A secret for a host that the network does not allow.
    SecretHost = "secret-host",
    /// The value of a secret in the spec.
    SecretInSpec = "secret-in-spec",
    /// A namespace of the host's.
    SharesNamespace = "shares-namespace",
    /// A grant of the launcher's terminal.
    SharesTerminal = "shares-terminal",
    /// A spec that its own jail can write.
    SpecWritable = "spec-writable",
    /// A name that no stage may have.
    StageName = "stage-name",
    /// An evaluation that takes too long.
    StepLimit = "step-limit",
    /// A condition that depends on a package.
    SymbolicCondition = "symbolic-condition",
    /// A value that depends on a package, where it must be known.
    SymbolicValue = "symbolic-value",
    /// A text that is not Nix.
    Syntax = "syntax",
    /// The spec called `throw`.
    Thrown = "thrown",
    /// A file over the bound.
    TooLarge = "too-large",
    /// A text that is nested over the bound.
    TooNested = "too-nested",
    /// An operator or builtin with values of the wrong type.
    TypeMismatch = "type-mismatch",
    /// A name that nothing binds.
    UndefinedVariable = "undefined-variable",
    /// An argument that a function's pattern does not have.
    UnexpectedArgument = "unexpected-argument",
    /// An argument that the builder does not have.
    UnknownArgument = "unknown-argument",
    /// A name that is not a builder.
    UnknownBuilder = "unknown-builder",
    /// A name that `caches` does not know.
    UnknownCache = "unknown-cache",
    /// A name that is in no registry entry.
    UnknownCombinator = "unknown-combinator",
    /// A name that is not a namespace.
    UnknownNamespace = "unknown-namespace",
    /// A word or number that a combinator does not know.
    UnknownSetting = "unknown-setting",
    /// A file that cannot be read.
    UnreadableFile = "unreadable-file",
    /// A combinator that is called `unsafe-…`.
    UnsafeCombinator = "unsafe-combinator",
    /// A grant of all of the store.
    WholeStore = "whole-store",
    /// System calls that are refused to every jail.
    WidensCalls = "widens-calls",
    /// A secret for every host below a name.
    WildcardSecret = "wildcard-secret",
    /// A combinator that has no effect where it is.
    WithoutEffect = "without-effect",
    /// A grant of files that the host executes.
    WritesHostPrograms = "writes-host-programs",
}
