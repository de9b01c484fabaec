//! The log of a container (`apis/rancher.md § 8`): a ticket, then a WebSocket.

use std::time::Duration;

use http::Method;
use kopi_feed::{FeedError, LogChunk, LogOutbox, WsItem};
use kopi_model::wire::{ErrorCode, LogLine};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::api::{Api, one_path};

/// Lines asked for from before.
const LINES: u32 = 1_000;
/// A quiet container is no dead stream; the server itself says nothing in between.
const SILENCE: Duration = Duration::from_hours(12);
/// Nothing for so long after the first lines: all that was written before has come.
const SETTLED: Duration = Duration::from_millis(400);
/// Longest line that is shown, characters.
const LINE_LIMIT: usize = 16 * 1_024;

/// Sends the lines until the log ends, the taker goes or `stop` fires.
///
/// # Errors
/// No ticket, no socket, or the socket broke.
pub(super) async fn send(
    api: &Api,
    project: &str,
    container: &str,
    follow: bool,
    stop: &CancellationToken,
    out: &LogOutbox,
) -> Result<(), FeedError> {
    let path = format!("{}?action=logs", one_path(project, "containers", container));
    let body = json!({"follow": follow, "lines": LINES, "since": "", "timestamps": true});
    let reply = api.send(Method::POST, &path, Some(&body)).await?;
    let ticket: Value = reply.json()?;
    let member = |name: &str| ticket.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(address), Some(token)) = (member("url"), member("token")) else {
        return Err(FeedError::new(
            ErrorCode::UnexpectedAnswer,
            &reply.request,
            "no address for the log in the answer",
        ));
    };
    let mut stream = api.websocket_at(&address, &token, SILENCE).await.map_err(|mut error| {
        if error.code == ErrorCode::Unauthorized {
            // The key is fine: the host's agent is not there (`§ 8`).
            error.code = ErrorCode::Refused;
            error.what = "the container's host is not connected".into();
            error.hint = Some("look at the host: without its agent there are no logs".into());
        }
        error
    })?;
    let mut number = 0;
    let mut caught_up = false;
    loop {
        let message = tokio::select! {
            message = stream.next() => message,
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(SETTLED), if !caught_up => {
                caught_up = true;
                if !out.send(LogChunk { caught_up: true, ..LogChunk::default() }).await { return Ok(()); }
                continue;
            }
        };
        let text = match message {
            Ok(WsItem::Text(text)) => text,
            Ok(_) => continue,
            Err(error) if error.code == ErrorCode::Reset || error.what.contains("ended") => {
                out.send(LogChunk {
                    caught_up: true,
                    ..LogChunk::default()
                })
                .await;
                return if follow { Err(error) } else { Ok(()) };
            }
            Err(error) => return Err(error),
        };
        let lines: Vec<LogLine> = text
            .lines()
            .map(|line| {
                number += 1;
                LogLine {
                    number,
                    step: None,
                    at_s: None,
                    text: words(line),
                }
            })
            .collect();
        if !out
            .send(LogChunk {
                lines,
                gap: false,
                caught_up: false,
            })
            .await
        {
            return Ok(());
        }
    }
}

/// `01 2020-05-04T10:00:00.123456789Z listening` → `listening`: the stream's number and Docker's time are not the line.
fn words(frame: &str) -> String {
    let rest = match frame.split_once(' ') {
        Some((kind, rest)) if kind.len() == 2 && kind.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => frame,
    };
    let line = match rest.split_once(' ') {
        Some((time, line)) if time.parse::<jiff::Timestamp>().is_ok() => line,
        None if rest.parse::<jiff::Timestamp>().is_ok() => "",
        _ => rest,
    };
    line.chars().take(LINE_LIMIT).collect()
}

/// Only containers have logs here.
pub(super) fn not_supported(item: &str) -> FeedError {
    FeedError::new(
        ErrorCode::NotSupported,
        format!("open the log of {item}"),
        "Rancher has logs of containers only",
    )
    .hint("choose one of the service's containers")
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_frame_becomes_its_line() {
        for (frame, line) in [
            (
                "01 2020-05-04T10:00:00.123456789Z listening on 8080",
                "listening on 8080",
            ),
            ("02 2020-05-04T10:00:00.200000000Z   indented", "  indented"),
            ("00 no time here", "no time here"),
            ("01 2020-05-04T10:00:00Z", ""),
            ("plain", "plain"),
        ] {
            assert_eq!(words(frame), line);
        }
    }
}
