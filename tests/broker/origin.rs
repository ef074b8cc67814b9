//! Servers of HTTPS, as the tests' internet has them: of HTTP/1.1 and HTTP/2, with certificates of
//! an authority that the machine trusts, and with bad ones.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::servers::listen;
use crate::world::World;

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An authority, and where its certificate is.
pub(crate) struct Root {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) file: PathBuf,
}

/// What is the matter with a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// Nothing.
    Good,
    Expired,
    OtherName,
    SelfSigned,
}

/// A server.
pub(crate) struct Origin {
    seen: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

/// What a server answers.
type Answering = Pin<Box<dyn Future<Output = Response<Body>>>>;
pub(crate) type Answer = Arc<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>;

impl Root {
    pub(crate) fn new(world: &World, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = world.file(&format!("{name}.pem"), &issuer.pem());
        Self { issuer, file }
    }

    /// One that this machine trusts.
    pub(crate) fn trusted(world: &World) -> Self {
        let root = Self::new(world, "root");
        world.bind("/etc/ssl/certs/ca-certificates.crt", &fs::read_to_string(&root.file).unwrap());
        root
    }

    fn config(&self, name: &str, which: Certificate, protocols: &[&str]) -> ServerConfig {
        let name = if which == Certificate::OtherName { "other.example.org" } else { name };
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if which == Certificate::Expired {
            let days = |count: u64| SystemTime::now() - Duration::from_secs(count * 86_400);
            (params.not_before, params.not_after) = (days(9).into(), days(2).into());
        }
        let signed = match which {
            Certificate::SelfSigned => params.self_signed(&key),
            Certificate::Good | Certificate::Expired | Certificate::OtherName => {
                params.signed_by(&key, &self.issuer)
            }
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![signed.unwrap().der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|one| one.as_bytes().to_vec()).collect();
        config
    }
}

impl Origin {
    /// Starts one that speaks what the client chooses of `h2` and `http/1.1`.
    pub(crate) fn start(world: &World, root: &Root, at: &str, name: &str) -> Self {
        Self::with(world, root, (at, name), Certificate::Good, &["h2", "http/1.1"])
    }

    pub(crate) fn with(
        world: &World,
        root: &Root,
        (at, name): (&str, &str),
        which: Certificate,
        protocols: &[&str],
    ) -> Self {
        let usual: Answer = Arc::new(|request| Box::pin(answer(request)));
        let config = root.config(name, which, protocols);
        Self::serving(world, at, config, usual)
    }

    /// One that answers in its own way.
    pub(crate) fn answering(
        world: &World,
        root: &Root,
        (at, name): (&str, &str),
        answer: Answer,
    ) -> Self {
        let config = root.config(name, Certificate::Good, &["h2", "http/1.1"]);
        Self::serving(world, at, config, answer)
    }

    fn serving(world: &World, at: &str, config: ServerConfig, answer: Answer) -> Self {
        let listener = listen(world, at);
        let (seen, heads) = (Arc::default(), Arc::default());
        let own = Self { seen: Arc::clone(&seen), heads: Arc::clone(&heads) };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        thread::spawn(move || serve(listener, acceptor, Arc::new((own, answer))));
        Self { seen, heads }
    }

    /// The requests that came, with their fields.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The requests that came: `GET /path HTTP/2.0`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(listener: std::net::TcpListener, acceptor: TlsAcceptor, own: Arc<(Origin, Answer)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(connection(stream, acceptor.clone(), own.clone()));
        }
    });
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, own: Arc<(Origin, Answer)>) {
    stream.set_nodelay(true).unwrap();
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request: Request<Incoming>| {
        let (origin, answer) = &*own;
        let line = format!("{} {} {:?}", request.method(), request.uri(), request.version());
        let fields: String = request
            .headers()
            .iter()
            .map(|(name, value)| format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        origin.heads.lock().unwrap().push(format!("{line}{fields}"));
        origin.seen.lock().unwrap().push(line);
        let answering = answer(request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let io = TokioIo::new(stream);
    if is_http2 {
        let _ = http2::Builder::new(Local).serve_connection(io, service).await;
    } else {
        let _ = http1::Builder::new().serve_connection(io, service).with_upgrades().await;
    }
}

#[derive(Clone)]
pub(crate) struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move {
            task.await;
        });
    }
}

/// Says what was asked, or does what the path says.
async fn answer(mut request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let number = |prefix| path.strip_prefix(prefix).and_then(|text: &str| text.parse().ok());
    if request.headers().contains_key(UPGRADE) {
        return web_socket(&mut request);
    }
    if let Some(count) = number("/bytes/") {
        return Response::new(many(count));
    }
    if let Some(count) = number("/events/") {
        return events(count);
    }
    if path.starts_with("/count") {
        return count(request.into_body()).await;
    }
    let head = request.headers().iter();
    let head: String =
        head.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    let line = format!("{} {} {:?}\n{head}", request.method(), request.uri(), request.version());
    let body = request.into_body().collect().await.map(|all| all.to_bytes());
    let said = [line.as_bytes(), &body.unwrap_or_default()].concat();
    if path.starts_with("/trailers") {
        return trailers(said);
    }
    Response::new(Full::new(said.into()).boxed_unsync())
}

fn many(count: usize) -> Body {
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let chunks = stream::unfold(count, move |left| {
        let next = chunk.slice(..left.min(chunk.len()));
        async move { (left > 0).then(|| (Ok(Frame::data(next.clone())), left - next.len())) }
    });
    StreamBody::new(chunks).boxed_unsync()
}

/// Server-sent events, each when the one before was sent a while ago.
fn events(count: usize) -> Response<Body> {
    let events = stream::unfold(0, move |number| async move {
        if number > 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        (number < count)
            .then(|| (Ok(Frame::data(format!("data: {number}\n\n").into())), number + 1))
    });
    let mut answer = Response::new(StreamBody::new(events).boxed_unsync());
    answer.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
    answer
}

/// How many bytes a body has.
async fn count(mut body: Incoming) -> Response<Body> {
    let mut count = 0;
    while let Some(Ok(frame)) = body.frame().await {
        count += frame.data_ref().map_or(0, Bytes::len);
    }
    Response::new(Full::new(count.to_string().into()).boxed_unsync())
}

fn trailers(said: Vec<u8>) -> Response<Body> {
    let mut fields = HeaderMap::new();
    fields.insert("x-sum", HeaderValue::from_static("7"));
    let frames = [Ok(Frame::data(Bytes::from(said))), Ok(Frame::trailers(fields))];
    let mut answer = Response::new(StreamBody::new(stream::iter(frames)).boxed_unsync());
    answer.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
    answer
}

/// Says back what comes.
fn web_socket(request: &mut Request<Incoming>) -> Response<Body> {
    let upgraded = hyper::upgrade::on(request);
    tokio::task::spawn_local(async move {
        let mut stream = TokioIo::new(upgraded.await.unwrap());
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..count]).await.unwrap();
        }
    });
    let mut answer = Response::new(Full::default().boxed_unsync());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer
}
