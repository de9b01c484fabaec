//! The running office, held against its promises (`office.md`). The clock stands still and is put forward on order, so
//! nothing here waits.

mod day;
mod laws;
mod servers;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ledger::BuildRecord;
use crate::office::{Office, OfficeOptions};
use crate::truth::{ServiceTruth, Truth};
use crate::world::Size;

/// An office whose clock stands still.
pub(super) async fn standing(size: Size) -> Office {
    seeded(size, 1).await
}

pub(super) async fn seeded(size: Size, seed: u64) -> Office {
    let start: Timestamp = "2026-11-24T06:04:25Z".parse().unwrap();
    let options = OfficeOptions {
        speed: 0.0,
        size,
        seed,
        ..OfficeOptions::new(start)
    };
    Office::start(options).await.unwrap()
}

pub(super) async fn forward(office: &Office, seconds: u64) -> Truth {
    office.handle().advance(Duration::from_secs(seconds)).await.unwrap();
    office.handle().truth().await.unwrap()
}

/// Forward to so many minutes and seconds after the start.
pub(super) async fn to(office: &Office, minutes: u64, seconds: u64) -> Truth {
    let at = Duration::from_secs(minutes * 60 + seconds);
    let now = Duration::try_from(office.handle().clock().elapsed()).unwrap();
    office.handle().advance(at.saturating_sub(now)).await.unwrap();
    office.handle().truth().await.unwrap()
}

pub(super) fn service<'a>(truth: &'a Truth, environment: &str, name: &str) -> &'a ServiceTruth {
    let mut all = truth.services.iter();
    all.find(|service| service.environment == environment && service.name == name)
        .unwrap()
}

pub(super) fn build<'a>(truth: &'a Truth, repo: &str, number: u64) -> &'a BuildRecord {
    let mut all = truth.builds.iter();
    let repo = format!("ihealth/{repo}");
    all.find(|build| build.repo == repo && build.number == number)
        .unwrap_or_else(|| panic!("{repo}#{number} at {}", truth.elapsed_s))
}

/// One request, by hand: no client of ours that could be wrong in the same way.
pub(super) async fn call(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> (u16, Value) {
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut lines = vec![
        format!("{method} {path} HTTP/1.0"),
        format!("Content-Length: {}", body.len()),
    ];
    if !headers.iter().any(|(name, _)| *name == "Host") {
        lines.push(format!("Host: {address}"));
    }
    if !body.is_empty() {
        lines.push("Content-Type: application/json".to_owned());
    }
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let request = format!("{}\r\n\r\n{body}", lines.join("\r\n"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

pub(super) async fn drone(office: &Office, method: &str, path: &str) -> (u16, Value) {
    let server = &office.address().servers.drone;
    let token = format!("Bearer {}", server.token);
    call(&server.url, method, path, &[("Authorization", &token)], None).await
}

pub(super) async fn rancher(office: &Office, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    use std::fmt::Write as _;
    let server = &office.address().servers.rancher;
    let mut basic = String::from("Basic ");
    write!(
        basic,
        "{}",
        base64(&format!("{}:{}", server.access_key, server.secret_key))
    )
    .unwrap();
    call(&server.url, method, path, &[("Authorization", &basic)], body).await
}

pub(super) fn service_path(office: &Office, environment: &str, id: &str) -> String {
    let keys = &office.address().servers.rancher.environments;
    let project = &keys.iter().find(|key| key.name == environment).unwrap().project;
    format!("/v2-beta/projects/{project}/services/{id}")
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63] as char;
            out.push(if place > chunk.len() { '=' } else { letter });
        }
    }
    out
}
