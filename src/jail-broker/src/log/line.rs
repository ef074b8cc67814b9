//! A line of the log, as JSON.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

/// What a line of the log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// A connection was made.
    Allowed,
    /// A connection was refused, or a name was not looked up.
    Refused,
    /// An allowed connection could not be made, or broke.
    Failed,
    /// A secret went to a host: the first time, and at the end how often.
    Used,
    /// The rules were changed for this session.
    Changed,
    /// The broker lacks something.
    Trouble,
}

/// One line. Names have no other characters than a host's; everything else is text of ours or of
/// the system's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line<'a> {
    pub(super) verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<Cow<'a, str>>,
    /// The grant that allows it, and its place in the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Cow<'a, str>>,
    /// The name of a secret, never its value; how many requests had it, and when the last one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "serialize_time")]
    pub(super) last: Option<SystemTime>,
}

/// What else a line has.
#[derive(Serialize)]
struct Numbered<'a> {
    time: String,
    session: &'a str,
    number: u64,
    #[serde(flatten)]
    line: &'a Line<'a>,
    /// How often the same happened again since it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
}

impl Line<'_> {
    pub(super) fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            host: None,
            port: None,
            address: None,
            reason: None,
            remedy: None,
            by: None,
            place: None,
            secret: None,
            count: None,
            last: None,
        }
    }

    /// For the log; `times` where it is about the same line again.
    pub(super) fn text(&self, session: &str, number: u64, times: Option<u64>) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        json(&Numbered { time: time(since), session, number, line: self, times })
    }

    /// The same, to be kept.
    pub(super) fn to_owned(&self) -> Line<'static> {
        let kept = |text: &Option<Cow<'_, str>>| text.as_deref().map(|text| text.to_owned().into());
        Line {
            verdict: self.verdict,
            host: kept(&self.host),
            port: self.port,
            address: kept(&self.address),
            reason: kept(&self.reason),
            remedy: kept(&self.remedy),
            by: kept(&self.by),
            place: kept(&self.place),
            secret: kept(&self.secret),
            count: self.count,
            last: self.last,
        }
    }

    /// For the jail, which must not learn times and places outside.
    pub(super) fn text_for_jail(&self) -> String {
        json(self)
    }
}

fn serialize_time<S: Serializer>(
    at: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&written(at.unwrap_or(UNIX_EPOCH)))
}

/// A time as the log has it, in UTC (RFC 3339).
pub(crate) fn written(at: SystemTime) -> String {
    time(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn json(value: &impl Serialize) -> String {
    // These have no keys that are not text, which is all that could fail.
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}

/// A time as RFC 3339 has it, in UTC: `2026-01-31T12:00:00.000Z`.
fn time(since: Duration) -> String {
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The date so many days after 1970-01-01. Years are counted from March, so that the odd day comes
/// last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let first = (153 * month + 2) / 5;
    let month_of_year = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month_of_year <= 2), month_of_year, day - first + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_767_225_600, "2026-01-01T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(time(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_line_is_one_line_whatever_it_tells() {
        let line = Line {
            host: Some("a\n\u{1b}[2J".into()),
            reason: Some("\"x\"".into()),
            ..Line::new(Verdict::Refused)
        };
        let text = line.text("s", 3, None);
        assert_eq!(text.lines().count(), 1);
        assert!(!text.contains('\u{1b}'));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&read["verdict"], &read["number"]), (&"refused".into(), &3.into()));
        assert!(!text.contains("times") && line.text("s", 3, Some(2)).ends_with(",\"times\":2}\n"));
        assert_eq!(line.text_for_jail().matches("time").count(), 0);
    }
}
