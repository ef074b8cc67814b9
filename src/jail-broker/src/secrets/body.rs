//! What streams behind a head: pieces are looked through and passed on as they come.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::header::HeaderMap;

use super::search::Trace;
use super::{AnswerChange, Objection, RequestChange, lock};

/// How a body ended, for the task that waits for the answer to a request that broke off.
#[derive(Debug)]
pub struct Outcome<B>(Arc<Mutex<Option<(Objection, B)>>>);

impl<B> Outcome<B> {
    /// Why the body broke off, where that is because of a secret, and what is left of it. It can be
    /// taken once.
    #[must_use]
    pub fn take(&self) -> Option<(Objection, B)> {
        lock(&self.0).take()
    }
}

impl<B> Clone for Outcome<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Changes pieces of a body.
pub trait Change {
    /// The next piece.
    ///
    /// # Errors
    /// Why no more may be carried.
    fn piece(&mut self, piece: &Bytes) -> Result<Bytes, Objection>;

    /// What comes after all pieces.
    fn end(&mut self) -> Bytes;

    /// The fields after the body.
    ///
    /// # Errors
    /// Why they may not be carried.
    fn trailers(&mut self, trailers: &mut HeaderMap) -> Result<(), Objection>;

    /// Whether its length stays.
    fn keeps_length(&self) -> bool;

    /// How many bytes came and were not passed on.
    fn held(&self) -> usize;
}

impl Change for RequestChange {
    fn piece(&mut self, piece: &Bytes) -> Result<Bytes, Objection> {
        let replaced = self.replaced.as_ref();
        let is_allowed = |trace: Trace| match trace {
            Trace::Whole(index) => replaced.is_some_and(|one| one.secrets.contains(&index)),
            Trace::Changed(_) => false,
        };
        match self.watch.feed(&self.secrets.traces, piece, is_allowed) {
            None => {}
            Some(Trace::Changed(index)) => {
                return Err(Objection::Changed { name: self.secrets.name_of(index) });
            }
            Some(Trace::Whole(index)) => {
                return Err(self.secrets.misplaced(&self.host, self.is_tls, index, "the body"));
            }
        }
        let Some(replaced) = &mut self.replaced else { return Ok(piece.clone()) };
        let out = replaced.stream.feed(&replaced.replacements, piece);
        let found = replaced.stream.found();
        self.count(&found);
        Ok(out)
    }

    fn end(&mut self) -> Bytes {
        let Some(replaced) = &mut self.replaced else { return Bytes::new() };
        let out = replaced.stream.end(&replaced.replacements);
        let found = replaced.stream.found();
        self.count(&found);
        out
    }

    /// Nothing is replaced in these, and no service uses them for a credential.
    fn trailers(&mut self, trailers: &mut HeaderMap) -> Result<(), Objection> {
        for (field, value) in trailers.iter() {
            match self.secrets.traces.in_field(value.as_bytes()) {
                None => {}
                Some(Trace::Changed(index)) => {
                    return Err(Objection::Changed { name: self.secrets.name_of(index) });
                }
                Some(Trace::Whole(index)) => {
                    let place = format!("the trailer `{field}`");
                    return Err(self.secrets.misplaced(&self.host, self.is_tls, index, &place));
                }
            }
        }
        Ok(())
    }

    fn keeps_length(&self) -> bool {
        self.replaced.as_ref().is_none_or(|replaced| replaced.replacements.keep_length())
    }

    fn held(&self) -> usize {
        self.replaced.as_ref().map_or(0, |replaced| replaced.stream.held())
    }
}

impl RequestChange {
    /// Each secret counts once for a request.
    fn count(&mut self, found: &[usize]) {
        for secret in found {
            if !self.used.contains(secret) {
                self.used.push(*secret);
                self.secrets.count(*secret, &self.host);
            }
        }
    }
}

impl Change for AnswerChange {
    fn piece(&mut self, piece: &Bytes) -> Result<Bytes, Objection> {
        Ok(self.stream.feed(&self.replacements, piece))
    }

    fn end(&mut self) -> Bytes {
        self.stream.end(&self.replacements)
    }

    fn trailers(&mut self, trailers: &mut HeaderMap) -> Result<(), Objection> {
        self.clean(trailers)
    }

    fn keeps_length(&self) -> bool {
        true
    }

    fn held(&self) -> usize {
        self.stream.held()
    }
}

/// A body of which every piece is changed.
#[derive(Debug)]
pub struct Changed<B, C> {
    /// Nothing after it broke off.
    inner: Option<B>,
    change: C,
    outcome: Outcome<B>,
    /// What is passed on after the last piece.
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    /// There may be more pieces.
    Open,
    /// These came, and wait for what was held.
    Trailers(Option<HeaderMap>),
    Done,
}

impl<B, C> Changed<B, C> {
    /// The body behind a head that was judged.
    pub fn new(inner: B, change: C) -> Self {
        Self { inner: Some(inner), change, outcome: Outcome(Arc::default()), rest: Rest::Open }
    }

    /// Where it says later why it broke off.
    pub fn outcome(&self) -> Outcome<B> {
        self.outcome.clone()
    }
}

impl<B, C> Body for Changed<B, C>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    C: Change + Unpin,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            match &mut this.rest {
                Rest::Done => return Poll::Ready(None),
                Rest::Trailers(trailers) => {
                    let trailers = trailers.take();
                    this.rest = Rest::Done;
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Rest::Open => {}
            }
            let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
            let frame = match std::task::ready!(Pin::new(inner).poll_frame(context)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
                None => {
                    this.rest = Rest::Done;
                    let rest = this.change.end();
                    return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))));
                }
            };
            match this.frame(frame) {
                Err(objection) => {
                    this.rest = Rest::Done;
                    // Dropped here, the client's stream would be reset before there is an answer.
                    let unread = this.inner.take();
                    *lock(&this.outcome.0) = unread.map(|unread| (objection.clone(), unread));
                    return Poll::Ready(Some(Err(Box::new(objection))));
                }
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                // All of it is held.
                Ok(None) => {}
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.rest {
            Rest::Open => {
                self.inner.as_ref().is_none_or(Body::is_end_stream) && self.change.held() == 0
            }
            Rest::Trailers(_) => false,
            Rest::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.inner.as_ref().and_then(|inner| inner.size_hint().exact()) {
            Some(left) if self.change.keeps_length() => {
                SizeHint::with_exact(left + self.change.held() as u64)
            }
            Some(_) | None => SizeHint::default(),
        }
    }
}

impl<B, C: Change> Changed<B, C> {
    fn frame(&mut self, frame: Frame<Bytes>) -> Result<Option<Frame<Bytes>>, Objection> {
        let frame = match frame.into_data() {
            Ok(piece) => {
                let piece = self.change.piece(&piece)?;
                return Ok((!piece.is_empty()).then(|| Frame::data(piece)));
            }
            Err(frame) => frame,
        };
        let Ok(mut trailers) = frame.into_trailers() else { return Ok(None) };
        self.change.trailers(&mut trailers)?;
        self.rest = Rest::Trailers(Some(trailers));
        let held = self.change.end();
        Ok((!held.is_empty()).then(|| Frame::data(held)))
    }
}
