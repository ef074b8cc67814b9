//! A sandbox of agent-sandbox.nix as a jail. The names and meanings of the arguments
//! are those of its manual.

use jail_registry::names;
use jail_registry::nix_text::quoted;
use rnix::ast::{self, HasEntry};
use rowan::ast::AstNode as _;

use super::{Kept, Rewriter};
use crate::import::left_out;
use crate::import::lookup::{attribute, unwrapped};
use crate::query::{attr_name, plain};

/// What every sandbox has: the project, its git folder wherever that is, and
/// the tools that it names.
const ALWAYS: &str = "mount-cwd git-worktree ";

/// The arguments, also those of earlier versions.
const KNOWN: &[&str] = &[
    "allowNix",
    "allowedDomains",
    "allowedLocalPorts",
    "allowedPackages",
    "binName",
    "env",
    "extraEnv",
    "outName",
    "pkg",
    "restrictNetwork",
    "roDirs",
    "roFiles",
    "rwDirs",
    "rwFiles",
    "stateDirs",
    "stateFiles",
];

const FOLDERS: [(&str, &str); 6] = [
    ("roDirs", names::READONLY),
    ("roFiles", names::READONLY),
    ("rwDirs", names::READWRITE),
    ("rwFiles", names::READWRITE),
    ("stateDirs", names::READWRITE),
    ("stateFiles", names::READWRITE),
];

impl Rewriter<'_> {
    pub(super) fn sandbox(&mut self, set: &ast::AttrSet, kept: &mut Kept) {
        let program = self.argument_text(set, "binName", kept);
        let name = self.argument_text(set, "outName", kept).or_else(|| program.clone());
        let package = self.argument_text(set, "pkg", kept).unwrap_or_default();
        let entry = match program {
            Some(program) => format!("(lib.getExe' {} {program})", grouped(&package)),
            None => grouped(&package),
        };
        let permissions = self.sandbox_permissions(set, kept);
        let name = name.unwrap_or_else(|| "\"sandbox\"".into());
        kept.text.push_str(&format!("(jail {name} {entry} [ {permissions} ])"));
        self.unknown(set);
    }

    fn sandbox_permissions(&mut self, set: &ast::AttrSet, kept: &mut Kept) -> String {
        let mut all = ALWAYS.to_owned();
        if let Some(packages) = self.argument_text(set, "allowedPackages", kept) {
            all.push_str(&format!("(add-pkg-deps {}) ", grouped(&packages)));
        }
        for (name, combinator) in FOLDERS {
            if let Some(list) = attribute(set, name) {
                all.push_str(&self.folders(&list, combinator, kept));
            }
        }
        for name in ["env", "extraEnv"] {
            if let Some(variables) = attribute(set, name) {
                all.push_str(&self.variables(&variables, kept));
            }
        }
        all.push_str(&self.domains(set, kept));
        if let Some(ports) = attribute(set, "allowedLocalPorts") {
            all.push_str(&self.ports(&ports, kept));
        }
        match self.argument_text(set, "allowNix", kept).as_deref() {
            None | Some("false") => {}
            Some("true") => all.push_str("nix-daemon (add-pkg-deps [ pkgs.nix ]) "),
            Some(condition) => all.push_str(&format!(
                "(lib.optionals ({condition}) [ nix-daemon (add-pkg-deps [ pkgs.nix ]) ]) "
            )),
        }
        all
    }

    /// The text of an argument. It may be inherited from a variable around the set.
    fn argument_text(&mut self, set: &ast::AttrSet, name: &str, kept: &mut Kept) -> Option<String> {
        if let Some(value) = attribute(set, name) {
            return Some(self.part(value.syntax(), kept));
        }
        let inherit = set.inherits().find(|inherit| {
            inherit.attrs().any(|attr| attr_name(&attr).as_deref() == Some(name))
        })?;
        Some(match inherit.from().and_then(|from| from.expr()) {
            Some(from) => format!("({}).{name}", self.part(from.syntax(), kept)),
            None => {
                let mut part =
                    Kept { range: kept.range.clone(), text: String::new(), is_open: false };
                self.variable(name, set.syntax(), &mut part);
                part.text
            }
        })
    }

    /// Folders and files, whose texts a shell expands.
    fn folders(&mut self, list: &ast::Expr, combinator: &str, kept: &mut Kept) -> String {
        let ast::Expr::List(items) = unwrapped(list) else {
            let list = self.part(list.syntax(), kept);
            return format!("(map (path: {combinator} (noescape path)) {}) ", grouped(&list));
        };
        let each = |item: ast::Expr| {
            let text = self.part(item.syntax(), kept);
            format!("({combinator} (noescape {text})) ")
        };
        items.items().map(each).collect()
    }

    /// Variables, whose values a shell expands between double quotes.
    fn variables(&mut self, variables: &ast::Expr, kept: &mut Kept) -> String {
        let ast::Expr::AttrSet(set) = unwrapped(variables) else {
            let set = self.part(variables.syntax(), kept);
            return format!(
                "(lib.mapAttrsToList (name: value: set-env name (noescape value)) {}) ",
                grouped(&set)
            );
        };
        let mut all = String::new();
        for entry in set.attrpath_values() {
            let (Some(name), Some(value)) = (single_name(&entry), entry.value()) else {
                let message = "this variable is not taken over";
                self.faults.push(left_out(self.file, entry.syntax(), message));
                continue;
            };
            all.push_str(&self.set_variable(&name, &value, kept));
        }
        for name in set.inherits().flat_map(|it| it.attrs()).filter_map(|it| attr_name(&it)) {
            let text = self.argument_text(&set, &name, kept).unwrap_or_default();
            all.push_str(&format!("(set-env {} ({text})) ", quoted(&name)));
        }
        all
    }

    fn set_variable(&mut self, name: &str, value: &ast::Expr, kept: &mut Kept) -> String {
        let written = match unwrapped(value) {
            ast::Expr::Str(string) => string.syntax().text().to_string(),
            _ => String::new(),
        };
        let is_home = self.names.has_home(value);
        let text = self.part(value.syntax(), kept);
        let quoted_name = quoted(name);
        if is_home {
            return format!("(set-env {quoted_name} {text}) ");
        }
        let bare = written.trim_matches(['"', '\'']).replace(['\\', '{', '}'], "");
        if bare == format!("${name}") {
            return format!("(try-fwd-env {quoted_name}) ");
        }
        if bare.contains("$(") || bare.contains('`') {
            return format!(
                "(add-runtime ({} + {text} + \"\\\"\")) (set-env {quoted_name} (noescape {})) ",
                quoted(&format!("{name}=\"")),
                quoted(&format!("${name}")),
            );
        }
        match bare.contains('$') {
            true => format!("(set-env {quoted_name} (noescape {text})) "),
            false => format!("(set-env {quoted_name} {}) ", grouped(&text)),
        }
    }

    /// A domain includes all its subdomains.
    fn domains(&mut self, set: &ast::AttrSet, kept: &mut Kept) -> String {
        let Some(domains) = attribute(set, "allowedDomains") else {
            return self.without_domains(set);
        };
        match unwrapped(&domains) {
            ast::Expr::List(list) => {
                let mut hosts = String::new();
                for item in list.items() {
                    let text = self.part(item.syntax(), kept);
                    hosts.push_str(&format!("{text} (\"*.\" + {text}) "));
                }
                hosts = with_subdomains(&list).unwrap_or(hosts);
                format!("(network-allow [ {hosts}]) ")
            }
            ast::Expr::AttrSet(set) => self.methods(&set, kept),
            other => {
                let message = "`allowedDomains` is not a literal list, so no host is reachable";
                let fault = left_out(self.file, other.syntax(), message)
                    .help("name the hosts with `network-allow`");
                self.faults.push(fault);
                String::new()
            }
        }
    }

    /// Without a list of domains all hosts are reachable, but only if it is certain
    /// that the file gives no list.
    fn without_domains(&mut self, set: &ast::AttrSet) -> String {
        let literal = attribute(set, "restrictNetwork")
            .map(|value| unwrapped(&value).syntax().text().to_string());
        let is_open = match literal.as_deref() {
            None => !mentions(set, "restrictNetwork"),
            Some(literal) => literal == "false",
        };
        if is_open && !mentions(set, "allowedDomains") {
            return "internet ".into();
        }
        if literal.as_deref() != Some("true") {
            let message = "it is not certain which hosts may be reached, so none is reachable";
            let fault = left_out(self.file, set.syntax(), message)
                .help("name the hosts with `network-allow`, or grant `internet`");
            self.faults.push(fault);
        }
        String::new()
    }

    /// Domains, each with the methods that requests to it may use.
    fn methods(&mut self, set: &ast::AttrSet, kept: &mut Kept) -> String {
        let (mut hosts, mut requests) = (String::new(), String::new());
        for inherit in set.inherits() {
            let message = "these domains are inherited, and not taken over";
            self.faults.push(left_out(self.file, inherit.syntax(), message));
        }
        for entry in set.attrpath_values() {
            let (Some(host), Some(value)) = (single_name(&entry), entry.value()) else {
                let message = "this domain is not taken over";
                self.faults.push(left_out(self.file, entry.syntax(), message));
                continue;
            };
            let pair = [quoted(&host), quoted(&format!("*.{host}"))];
            match &value {
                ast::Expr::Str(string) if plain(string).as_deref() == Some("*") => {
                    hosts.push_str(&format!("{} {} ", pair[0], pair[1]));
                }
                value => {
                    let methods = self.part(value.syntax(), kept);
                    for host in pair {
                        requests
                            .push_str(&format!("(http-allow {host} {{ methods = {methods}; }}) "));
                    }
                }
            }
        }
        let hosts = match hosts.is_empty() {
            true => String::new(),
            false => format!("(network-allow [ {hosts}]) "),
        };
        hosts + &requests
    }

    fn ports(&mut self, ports: &ast::Expr, kept: &mut Kept) -> String {
        let text = self.part(ports.syntax(), kept);
        if text == "null" {
            let message = "a jail has no grant for all ports of the host's loopback at once";
            let fault = left_out(self.file, ports.syntax(), message)
                .help("name each port with `allow-host-port`");
            self.faults.push(fault);
            return String::new();
        }
        match unwrapped(ports) {
            ast::Expr::List(list) => {
                let each = |port: ast::Expr| {
                    format!("(allow-host-port {}) ", self.part(port.syntax(), kept))
                };
                list.items().map(each).collect()
            }
            _ => format!("(map allow-host-port ({text})) "),
        }
    }

    fn unknown(&mut self, set: &ast::AttrSet) {
        for entry in set.attrpath_values() {
            let attrs: Vec<_> = entry.attrpath().iter().flat_map(|path| path.attrs()).collect();
            let message = match (attrs.first().and_then(attr_name), attrs.len()) {
                (Some(name), 1) if KNOWN.contains(&name.as_str()) => continue,
                (Some(name), 1) => format!("the argument `{name}` is not known here"),
                (Some(name), _) => {
                    format!(
                        "a part of the argument `{name}` is not taken over: write it as one set"
                    )
                }
                (None, _) => "an argument whose name is computed is not taken over".into(),
            };
            self.faults.push(left_out(self.file, entry.syntax(), message));
        }
        for attr in set.inherits().flat_map(|it| it.attrs()) {
            let name = attr_name(&attr);
            if name.as_deref().is_some_and(|name| INHERITED.contains(&name)) {
                continue;
            }
            let name = name.unwrap_or_default();
            let message = format!("the argument `{name}` is inherited, and not taken over");
            let fault = left_out(self.file, attr.syntax(), message);
            self.faults.push(fault.help("write its value here"));
        }
    }
}

/// The arguments that may also be inherited from the variables around the set.
const INHERITED: [&str; 5] = ["allowNix", "allowedPackages", "binName", "outName", "pkg"];

/// Whether the set has an argument in any form, or may have it.
pub(super) fn mentions(set: &ast::AttrSet, name: &str) -> bool {
    let is_it = |attr: ast::Attr| attr_name(&attr).is_none_or(|it| it == name);
    let mut entries =
        set.attrpath_values().filter_map(|it| it.attrpath().and_then(|path| path.attrs().next()));
    entries.any(is_it) || set.inherits().flat_map(|it| it.attrs()).any(is_it)
}

/// The name of an entry, if it is a single literal name.
fn single_name(entry: &ast::AttrpathValue) -> Option<String> {
    let path = entry.attrpath()?;
    let mut attrs = path.attrs();
    let name = attrs.next().and_then(|attr| attr_name(&attr));
    if attrs.next().is_none() { name } else { None }
}

/// A text, written as one argument.
fn grouped(text: &str) -> String {
    let is_one = text.starts_with(['"', '[', '(', '{']) || !text.contains(char::is_whitespace);
    if is_one && !text.contains("++") { text.to_owned() } else { format!("({text})") }
}

/// Literal domains, each also with `*.` before it.
fn with_subdomains(list: &ast::List) -> Option<String> {
    let mut hosts = String::new();
    for item in list.items() {
        let ast::Expr::Str(string) = item else { return None };
        let host = plain(&string)?;
        hosts.push_str(&format!("{} {} ", quoted(&host), quoted(&format!("*.{host}"))));
    }
    Some(hosts)
}
