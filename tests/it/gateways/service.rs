//! The service behind a gateway: it answers everything, and keeps what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Serves until the process ends.
pub struct Service {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Service {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, heads) = (listener.local_addr().unwrap(), Arc::default());
        let kept = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || answer(stream, &kept));
            }
        });
        Self { address, heads }
    }

    /// What it was asked since this was called last: the heads of the requests, in lower case.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.heads.lock().unwrap())
    }
}

fn answer(stream: TcpStream, heads: &Mutex<Vec<String>>) {
    let mut head = String::new();
    let mut reader = BufReader::new(&stream);
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    if head.trim().is_empty() {
        return;
    }
    heads.lock().unwrap().push(head.to_lowercase());
    let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nservice");
}

/// Somebody who takes connections and never answers.
pub struct Silent(TcpListener);

impl Silent {
    pub fn start() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}
