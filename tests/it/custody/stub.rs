//! A secrets manager on a loopback socket: it keeps what it was asked, and answers as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// By name in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The fields of a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        assert_eq!(self.header("content-type"), "application/x-www-form-urlencoded");
        let decode =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let text = std::str::from_utf8(&self.body).unwrap();
        let fields = text.split('&').map(|field| field.split_once('=').unwrap());
        fields.map(|(name, value)| (decode(name), decode(value))).collect()
    }
}

/// What it answers.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16, String),
    Redirect(String),
    /// Takes the call and never answers.
    Silence,
    /// Announces a body of this length and sends none of it.
    Announces(u64),
    /// A body without end.
    Endless,
    /// Ends the connection in the middle of the body.
    CutOff,
}

pub struct Stub {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Stub {
    pub async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Some(request) = read(&mut stream).await else { return };
                    let answer = answer(&request);
                    seen.lock().unwrap().push(request);
                    reply(stream, answer).await;
                });
            }
        });
        Self { url, requests, task }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let mut lines = head.split("\r\n");
            let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
            let (method, target) = (first.next().unwrap(), first.next().unwrap());
            let headers: BTreeMap<String, String> = lines
                .map(|line| line.split_once(':').unwrap())
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = bytes.split_off(end + 4);
            while body.len() < length {
                stream.read_buf(&mut body).await.ok().filter(|n| *n > 0)?;
            }
            return Some(Request { method, target, headers, body });
        }
        stream.read_buf(&mut bytes).await.ok().filter(|n| *n > 0)?;
    }
}

async fn reply(mut stream: TcpStream, answer: Answer) {
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{more}\r\n");
    let text = match answer {
        Answer::Status(status, body) => {
            format!("{}{body}", head(status, &format!("content-length: {}\r\n", body.len())))
        }
        Answer::Redirect(to) => head(302, &format!("location: {to}\r\ncontent-length: 0\r\n")),
        Answer::Silence => return tokio::time::sleep(Duration::from_secs(600)).await,
        Answer::Announces(length) => {
            let _ = stream.write_all(head(200, &format!("content-length: {length}\r\n")).as_bytes()).await;
            return tokio::time::sleep(Duration::from_secs(600)).await;
        }
        Answer::Endless => {
            let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
            let mut sent = stream.write_all(head(200, "transfer-encoding: chunked\r\n").as_bytes()).await;
            while sent.is_ok() {
                sent = stream.write_all(chunk.as_bytes()).await;
            }
            return;
        }
        Answer::CutOff => format!("{}{{\"dat", head(200, "content-length: 100\r\n")),
    };
    // The client may have gone; then nobody is there to care.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
