//! The entries for requests that are judged one by one, and for secrets. Their
//! lowering is in `lower/by_name`.

use super::by_name::{CERTIFICATES, optional, required};
use super::{Combinator, OURS, names, param};
use crate::lower::by_name;
use crate::signature::{Field, Signature, Type};
use crate::table::Lower;
use crate::words::Words;

const METHODS: Words = Words::Given(&["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);
const WORDS: Type = Type::List(&Type::Literal);

/// A string would be the value itself. The lowering refuses it with a reason.
const SOURCE: Type = Type::Either(&[
    Type::Fields(&[
        optional("file", Type::Text, "a file on the host"),
        optional("env", Type::Literal, "a variable of the launcher"),
        optional(
            "command",
            Type::Either(&[Type::Literal, Type::List(&Type::Text)]),
            "a command on the host that prints it",
        ),
        optional(
            "keyring",
            Type::Map(&Type::Literal),
            "an entry of the desktop's keyring, by its attributes",
        ),
    ]),
    Type::Text,
]);

const FROM: Field = required("from", SOURCE, "where the value is at launch");
const HOSTS: Field = required("hosts", WORDS, "the hosts that get the value");
const PLACES: Field = optional(
    "places",
    Type::List(&Type::Word(Words::Places)),
    "where in a request the placeholder is replaced: `\"header\"`, which is the default, `\"basic\"`, `\"query\"`, `\"body\"`",
);
const HEADER: Field = optional(
    "header",
    Type::Literal,
    "the only header that it is replaced in, and that holds nothing else",
);

/// The argument of `secret` and of the builders' `secrets`.
pub(crate) const SECRET_FIELDS: &[Field] = &[
    required("env", Type::Literal, "the variable inside that has the placeholder"),
    FROM,
    HOSTS,
    PLACES,
    HEADER,
    optional("optional", Type::Bool, "whether the launch goes on where the value is missing"),
];

pub(super) const HTTP_ALLOW: Combinator = Combinator {
    name: names::HTTP_ALLOW,
    since: "0.2.0",
    summary: "This host can be reached, and gets only such requests",
    docs: "
- `methods`: the methods, in upper case; all by default. `TRACE` and `CONNECT` are errors.
- `paths`: paths that start with `/`; all by default. `*` means one segment, and `**` at the end any number:
  `\"/v1/**\"` is `/v1` and everything below it. The query is not looked at.

If there are several for one host, a request must match one of them as a whole. The host can be reached on ports 443 and 80,
as with `network-allow`; `\"example.com:8443\"` is this port alone, with TLS. A host that `network-allow` also names is an
error, because it would get every request.

The broker ends TLS to see the requests, with a certificate authority that it makes for each launch. Programs that read the
system's certificates, or one of the variables for them, trust it; [secrets.md](secrets.md#programs-with-roots-of-their-own)
names those that do not. A refused request gets a 403.",
    signature: Signature {
        params: &[
            param("host", Type::Literal),
            param(
                "requests",
                Type::Fields(&[
                    optional("methods", Type::List(&Type::Word(METHODS)), "the methods, such as `[ \"GET\" \"HEAD\" ]`"),
                    optional("paths", WORDS, "the paths, such as `[ \"/repos/*/*/issues\" \"/search/**\" ]`"),
                ]),
            ),
        ],
    },
    example: "[
  (http-allow \"api.github.com\" { methods = [ \"GET\" ]; })
  (http-allow \"api.github.com\" { methods = [ \"POST\" ]; paths = [ \"/repos/me/project/issues\" ]; })
]",
    brings: CERTIFICATES,
    lower: Lower::Permission(by_name::requests),
    ..OURS
};

pub(super) const SECRET: Combinator = Combinator {
    name: names::SECRET,
    since: "0.2.0",
    summary: "A variable inside has a placeholder, and the broker replaces it with the value in requests",
    docs: "
- `env`: the variable inside.
- `from`: where the value is at launch. `from.env = \"NAME\"` is a variable of the launcher, `from.file = (noescape
  \"~/.keys/name\")` a file, `from.command = [ \"pass\" \"show\" \"name\" ]` what a command prints on the host, `from.keyring = {
  service = \"name\"; }` an entry of the desktop's keyring. No shell runs the command; a command that is a string is split into
  words.
- `hosts`: the hosts that get the value. They must be reachable: `network-allow`, `internet` or `http-allow` names them.
- `places`: where in a request the placeholder is replaced, `[ \"header\" ]` by default. `\"basic\"` is the user and the password
  of `Authorization: Basic`, as git and npm send them; the others are `\"query\"` and `\"body\"`.
- `header`: the only header in which it is replaced. Without it, those are the headers from which services take a credential:
  `Authorization`, `X-Api-Key` and [others](secrets.md#where-it-is-replaced). On these hosts such a header, and the one that
  `header` names, holds the placeholder and nothing else, so a program cannot use another account's key to send data out.
- `optional = true`: if the launcher has no such value, the jail starts without the variable.

The value is never in the jail, the store, the plan or a log, and it is not sent over plain HTTP. A request to any other host
that holds the placeholder is refused. Two secrets for one header of one host are an error. [secrets.md](secrets.md) has more.",
    signature: Signature { params: &[param("key", Type::Fields(SECRET_FIELDS))] },
    example: "[
  (network-allow [ \"api.anthropic.com\" ])
  (secret {
    env = \"ANTHROPIC_API_KEY\";
    from.command = [ \"pass\" \"show\" \"anthropic\" ];
    hosts = [ \"api.anthropic.com\" ];
  })
]",
    brings: CERTIFICATES,
    lower: Lower::Permission(by_name::secret),
    ..OURS
};

pub(super) const SECRET_FILE: Combinator = Combinator {
    name: names::SECRET_FILE,
    since: "0.2.0",
    summary: "A file inside has a placeholder, and the broker replaces it with the value in requests",
    docs: "Like `secret`, for programs that read their key from a file: `path` is the file inside, and `from`, `hosts`, `places` and
`header` are those of `secret`. The file holds the placeholder and nothing else.",
    signature: Signature {
        params: &[param(
            "key",
            Type::Fields(&[
                required("path", Type::Text, "the file inside that has the placeholder"),
                FROM,
                HOSTS,
                PLACES,
                HEADER,
            ]),
        )],
    },
    example: "[
  (network-allow [ \"api.example.com\" ])
  (secret-file {
    path = \"/run/secrets/token\";
    from.file = (noescape \"~/.keys/example\");
    hosts = [ \"api.example.com\" ];
    header = \"Authorization\";
  })
]",
    brings: CERTIFICATES,
    lower: Lower::Permission(by_name::secret_file),
    ..OURS
};

pub(super) const SECRET_SOCKET: Combinator = Combinator {
    name: names::SECRET_SOCKET,
    since: "0.2.0",
    summary: "A server inside adds a secret to each request and passes it on over TLS",
    docs: "
- `socket`: the Unix socket inside. A port of the jail's loopback that is not otherwise used leads to the same server.
- `env`: a variable that is set to `http://127.0.0.1:PORT`, for programs that take the address of the service from a variable.
- `upstream`: the service, an `https` address. Its path is put in front of the path of each request.
- `header`: the header for the value, which replaces the one that the program sent: `\"x-api-key\"`, or `\"Authorization: Bearer
  \"` with the text before the value.
- `from`: as with `secret`.

The program speaks plain HTTP, and the broker TLS. The value is never inside, and the jail needs no other network.",
    signature: Signature {
        params: &[param(
            "server",
            Type::Fields(&[
                required("socket", Type::Literal, "where the Unix socket is inside"),
                required("upstream", Type::Literal, "the service, such as `\"https://api.example.com/v1\"`"),
                required(
                    "header",
                    Type::Literal,
                    "the header that the value is put into: `\"x-api-key\"`, or `\"Authorization: Bearer \"`",
                ),
                FROM,
                optional("env", Type::Literal, "the variable that is set to the address of the server"),
            ]),
        )],
    },
    example: "secret-socket {
  socket = \"/run/anthropic.sock\";
  upstream = \"https://api.anthropic.com\";
  header = \"x-api-key\";
  from.env = \"ANTHROPIC_API_KEY\";
  env = \"ANTHROPIC_BASE_URL\";
}",
    lower: Lower::Permission(by_name::secret_socket),
    ..OURS
};
