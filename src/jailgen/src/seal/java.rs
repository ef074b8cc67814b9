//! Java trusts what is in a store of its own kind. Where the jail can have a Java at all, it is
//! given one with the authorities that other programs read from the system's file, and the variable
//! that names it.

use jail_policy::Scope;

/// Where the store is inside.
pub(super) const TRUST_STORE: &str = "/run/jailgen/authorities.p12";

/// The variable that every Java reads.
pub(super) const VARIABLE: &str = "JAVA_TOOL_OPTIONS";

/// Its value. The password is the one that Java's own stores have.
pub(super) const OPTIONS: &str = "-Djavax.net.ssl.trustStore=/run/jailgen/authorities.p12 \
-Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit";

/// What packages with a Java are called, before a number.
const PACKAGES: &[&str] = &[
    "corretto",
    "dragonwell",
    "graalvm",
    "jdk",
    "jre",
    "liberica",
    "openjdk",
    "sapmachine",
    "semeru",
    "temurin",
    "zulu",
];

/// Whether a jail with these store paths may run a Java. With all of the store that cannot be
/// known.
pub(super) fn may_run(names: &[String], scope: Option<Scope>) -> bool {
    match scope {
        Some(Scope::Whole) => true,
        Some(Scope::Closure) | None => names.iter().any(|name| has_java(name)),
    }
}

fn has_java(name: &str) -> bool {
    let mut parts = name.split('-').skip(1);
    parts.any(|part| PACKAGES.contains(&part.trim_end_matches(|c: char| c.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_java_is_known_by_the_name_of_its_package() {
        let names = |name: &str| vec![format!("00000000000000000000000000000000-{name}")];
        for name in ["openjdk-21.0.4+7", "zulu-ca-jdk-17", "jdk21", "openjdk-minimal-jre-11"] {
            assert!(may_run(&names(name), Some(Scope::Closure)), "{name}");
        }
        for name in ["javascript-1.0", "hello-2.12", "jdkless-1", "source"] {
            assert!(!may_run(&names(name), Some(Scope::Closure)), "{name}");
        }
        assert!(may_run(&[], Some(Scope::Whole)));
        assert!(!may_run(&[], None));
    }
}
