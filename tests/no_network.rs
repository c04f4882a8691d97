//! casewire opens no connection: no crate that could is in the tree, and no source asks the
//! standard library for one.

use std::collections::BTreeSet;
use std::path::Path;

/// Crates that open sockets, speak TLS or HTTP, or resolve names.
const NETWORK: [&str; 44] = [
    "actix-web",
    "async-io",
    "async-net",
    "async-std",
    "attohttpc",
    "awc",
    "axum",
    "curl",
    "curl-sys",
    "dns-lookup",
    "h2",
    "h3",
    "hickory-proto",
    "hickory-resolver",
    "hyper",
    "hyper-util",
    "isahc",
    "libssh2-sys",
    "minreq",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "polling",
    "quinn",
    "reqwest",
    "rustls",
    "schannel",
    "security-framework",
    "sentry",
    "smol",
    "socket2",
    "ssh2",
    "surf",
    "tiny_http",
    "tokio",
    "tonic",
    "trust-dns-proto",
    "trust-dns-resolver",
    "tungstenite",
    "ureq",
    "warp",
    "webpki",
    "websocket",
];

/// What the standard library opens connections with.
const SOCKETS: [&str; 6] = [
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "UnixStream",
    "UnixListener",
];

fn network_crates(lock: &str) -> BTreeSet<&str> {
    lock.lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .filter(|name| NETWORK.contains(name))
        .collect()
}

/// Lines of a source that name a socket.
fn sockets(source: &str) -> Vec<&str> {
    let code = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.filter(|line| {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.into_iter().any(|word| SOCKETS.contains(&word))
    })
    .collect()
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn no_crate_in_the_tree_can_open_a_connection() {
    let breach = "[[package]]\nname = \"rustls\"\nversion = \"0.23.0\"\n";
    assert_eq!(
        network_crates(breach).into_iter().collect::<Vec<_>>(),
        ["rustls"]
    );

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = std::fs::read_to_string(path).unwrap();
    assert!(
        lock.contains("name = \"clap\""),
        "the lock file was not read"
    );
    assert_eq!(network_crates(&lock), BTreeSet::new());
}

#[test]
fn no_source_opens_a_socket() {
    assert_eq!(
        sockets("let s = std::net::TcpStream::connect(a)?;").len(),
        1
    );
    assert_eq!(sockets("use std::net::{IpAddr, UdpSocket};").len(), 1);
    assert!(sockets("// a TcpStream would be wrong here\nuse std::net::IpAddr;").is_empty());

    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files.len() > 50, "the sources were not found");
    for file in &files {
        assert_eq!(sockets(file), Vec::<&str>::new());
    }
}
