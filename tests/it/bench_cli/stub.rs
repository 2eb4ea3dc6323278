//! A tiny HTTP server that does what a test says, request by request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A request as the stub read it: its head's lines, and its body.
#[derive(Debug, Clone)]
pub struct Seen {
    pub head: Vec<String>,
    pub body: String,
}

/// What to do about a request.
pub enum Act {
    /// Send this and keep the connection.
    Send(String),
    /// Send this and close the connection.
    SendAndClose(String),
}

/// An answer with a body and the outcome that Verdict's header would carry.
pub fn ok(outcome: &str) -> Act {
    Act::Send(format!("HTTP/1.1 200 OK\r\nverdict-outcome: {outcome}\r\ncontent-length: 2\r\n\r\n{{}}"))
}

pub struct Stub {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub connections: Arc<AtomicUsize>,
}

impl Stub {
    /// Serves until the process ends; `act` gets the number of the request, from 0 over all connections.
    pub fn start(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stub = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, connections) = (Arc::clone(&stub.seen), Arc::clone(&stub.connections));
        let act = Arc::new(act);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (seen, act) = (Arc::clone(&seen), Arc::clone(&act));
                std::thread::spawn(move || serve(&stream.unwrap(), &seen, act.as_ref()));
            }
        });
        stub
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Ends with the connection, whichever side closes it.
fn serve(stream: &TcpStream, seen: &Mutex<Vec<Seen>>, act: &dyn Fn(usize) -> Act) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let request = read_request(&mut reader)?;
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len() - 1
        };
        let (text, close) = match act(number) {
            Act::Send(text) => (text, false),
            Act::SendAndClose(text) => (text, true),
        };
        { stream }.write_all(text.as_bytes()).ok()?;
        if close {
            return None;
        }
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<Seen> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { head, body: String::from_utf8(body).unwrap() })
}
