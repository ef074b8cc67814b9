//! How much memory the heads of requests take. A jail opens connections and streams as it likes,
//! and its own bound of memory is not the broker's.

use std::cell::Cell;

use hyper::Request;

/// As many bytes may be under way together: the longest heads of a whole connection of HTTP/2, or
/// thousands of usual ones.
const BYTES_MAX: usize = 16 << 20;

/// What a field is reckoned for, next to its name and value (RFC 9113, 6.5.2).
const FIELD: usize = 32;

/// The heads that are under way.
#[derive(Debug, Default)]
pub(crate) struct Heads(Cell<usize>);

/// The room of one head, for as long as this is kept.
#[derive(Debug)]
pub(super) struct Room<'a> {
    heads: &'a Heads,
    bytes: usize,
}

impl Heads {
    /// Counts a request until it has its answer. `None`: there is no room for it.
    pub(super) fn enter<B>(&self, request: &Request<B>) -> Option<Room<'_>> {
        let fields = request.headers().iter();
        let fields: usize =
            fields.map(|(name, value)| FIELD + name.as_str().len() + value.len()).sum();
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        self.take(fields + target)
    }

    fn take(&self, bytes: usize) -> Option<Room<'_>> {
        let all = self.0.get().checked_add(bytes).filter(|all| *all <= BYTES_MAX)?;
        self.0.set(all);
        Some(Room { heads: self, bytes })
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.heads.0.set(self.heads.0.get().saturating_sub(self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_have_room_until_they_take_all_of_it_and_again_when_one_has_gone() {
        let heads = Heads::default();
        let first = heads.take(BYTES_MAX - 10).unwrap();
        let rest = heads.take(10).unwrap();
        assert!(heads.take(1).is_none() && heads.take(0).is_some());
        drop(rest);
        assert!(heads.take(11).is_none());
        drop(first);
        assert!(heads.take(BYTES_MAX).is_some() && heads.take(usize::MAX).is_none());
        let request = Request::get("/path?query").header("a", "1234").body(()).unwrap();
        assert_eq!(heads.enter(&request).unwrap().bytes, "/path?query".len() + FIELD + 5);
    }
}
