//! A service of bundles whose every answer, whole or broken, is up to the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    /// In small letters; of several, the last.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

#[derive(Debug, Clone)]
pub enum Answer {
    /// A head with `Content-Length`, and a body; 304 where the tag is the one that was asked with.
    Whole { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// These bytes, and the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, and nothing more; the connection stays.
    Stuck(Vec<u8>),
}

impl Answer {
    pub fn of(status: u16, body: &[u8]) -> Self {
        Self::Whole { status, headers: Vec::new(), body: body.to_vec() }
    }

    /// 200 with a tag that is made of the body.
    pub fn tagged(body: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
        let digits: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self::of(200, body).with("ETag", &format!("\"{digits}\""))
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    fn written(&self, asked: &Asked) -> Vec<u8> {
        match self {
            Self::Raw(bytes) | Self::Stuck(bytes) => bytes.clone(),
            Self::Whole { status, headers, body } => {
                let tag = headers.iter().find(|(name, _)| name == "ETag").map(|(_, tag)| tag.as_str());
                let same = tag.is_some() && tag == asked.header("if-none-match");
                let (status, body) = if same { (304, &[][..]) } else { (*status, body.as_slice()) };
                let mut bytes = format!("HTTP/1.1 {status} x\r\nConnection: close\r\n").into_bytes();
                if status != 304 {
                    bytes.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
                }
                for (name, value) in headers {
                    bytes.extend(format!("{name}: {value}\r\n").into_bytes());
                }
                bytes.extend(b"\r\n");
                bytes.extend(body);
                bytes
            }
        }
    }
}

/// Answers until the test ends; one request a connection.
pub struct Stub {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &noted, &*answer));
            }
        });
        Self { address, asked }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| asked.path == path).count()
    }
}

/// An address at which nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn serve(mut stream: TcpStream, noted: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Answer) {
    let Some(asked) = read(&stream) else { return };
    noted.lock().unwrap().push(asked.clone());
    let answer = answer(&asked);
    // Whoever asked may be gone.
    let _ = stream.write_all(&answer.written(&asked));
    if matches!(answer, Answer::Stuck(_)) {
        let _ = stream.read(&mut [0]);
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
