//! The control page, on loopback (`cli.md`): `POST /push`, `/fault`, `/clock`, `/plot`, `GET /truth`, `/plot`.
//!
//! Refuses: requests that a web page on another host could send (foreign `Host`, bodies that are not JSON).

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::OfficeError;
use crate::clock::MAX_SPEED;
use crate::office::Handle;
use crate::run::Wanted;
use crate::world::{DESK, people};

/// The clock is put forward by at most this at once: a year.
const FARTHEST_S: f64 = 366.0 * 86_400.0;

/// `fails`: true, or the step's name.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Fails {
    YesOrNo(bool),
    Step(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PushBody {
    repo: String,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    fails: Option<Fails>,
    #[serde(default)]
    pull: Option<u32>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    log_lines: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultBody {
    server: String,
    fault: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    #[serde(default)]
    speed: Option<f64>,
    #[serde(default)]
    advance_s: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlotBody {
    name: String,
}

/// The page.
pub fn router(handle: Handle) -> Router {
    Router::new()
        .route("/push", post(push))
        .route("/fault", post(fault))
        .route("/clock", post(clock))
        .route("/plot", post(order_plot).get(plot))
        .route("/truth", get(truth))
        .layer(middleware::from_fn(only_loopback))
        .with_state(handle)
}

async fn only_loopback(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "localhost") {
        next.run(request).await
    } else {
        problem(StatusCode::MISDIRECTED_REQUEST, "the office answers to 127.0.0.1 only")
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"version": 1, "error": {"message": message}}))).into_response()
}

fn answer<T: Serialize>(result: Result<T, OfficeError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error @ OfficeError::Unknown(_)) => problem(StatusCode::NOT_FOUND, &error.to_string()),
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Response> {
    body.map(|Json(body)| body)
        .map_err(|error| problem(error.status(), &error.body_text()))
}

async fn push(State(handle): State<Handle>, asked: Result<Json<PushBody>, JsonRejection>) -> Response {
    let asked = match body(asked) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let author = asked.author.unwrap_or_else(|| DESK.to_owned());
    if people::find(&author).is_none() {
        return problem(StatusCode::NOT_FOUND, &format!("nobody here is called {author:?}"));
    }
    let fails = match asked.fails {
        None | Some(Fails::YesOrNo(false)) => None,
        Some(Fails::YesOrNo(true)) => Some(String::new()),
        Some(Fails::Step(step)) => Some(step),
    };
    let wanted = Wanted {
        repo: asked.repo,
        branch: asked.branch.unwrap_or_else(|| "develop".to_owned()),
        pull: asked.pull,
        author,
        message: asked.message.unwrap_or_else(|| "chore: 试一下".to_owned()),
        fails,
        sha: String::new(),
        version: asked.version,
        log_lines: asked.log_lines,
    };
    answer(handle.push(wanted).await)
}

async fn fault(State(handle): State<Handle>, asked: Result<Json<FaultBody>, JsonRejection>) -> Response {
    let asked = match body(asked) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let wanted = match asked.fault.as_deref().map(str::parse).transpose() {
        Ok(wanted) => wanted,
        Err(error) => return problem(StatusCode::NOT_FOUND, &format!("{error}")),
    };
    let done = handle.set_fault(&asked.server, wanted);
    answer(done.map(|()| json!({"server": asked.server, "fault": asked.fault})))
}

async fn clock(State(handle): State<Handle>, asked: Result<Json<ClockBody>, JsonRejection>) -> Response {
    let asked = match body(asked) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    if let Some(speed) = asked.speed {
        if !(0.0..=MAX_SPEED).contains(&speed) {
            return problem(StatusCode::BAD_REQUEST, "speed goes from 0 to 1000");
        }
        handle.set_speed(speed);
    }
    if let Some(seconds) = asked.advance_s {
        if !(0.0..=FARTHEST_S).contains(&seconds) {
            return problem(StatusCode::BAD_REQUEST, "advance_s goes from 0 to a year");
        }
        if let Err(error) = handle.advance(Duration::from_secs_f64(seconds)).await {
            return answer::<Value>(Err(error));
        }
    }
    let clock = handle.clock();
    Json(json!({"at": clock.now(), "elapsed_s": clock.elapsed().as_secs_f64(), "speed": clock.speed()})).into_response()
}

async fn order_plot(State(handle): State<Handle>, asked: Result<Json<PlotBody>, JsonRejection>) -> Response {
    match body(asked) {
        Ok(asked) => {
            let done = handle.order_plot(&asked.name).await;
            answer(done.map(|()| json!({"name": asked.name, "done": true})))
        }
        Err(refusal) => refusal,
    }
}

async fn plot(State(handle): State<Handle>) -> Response {
    answer(handle.plot().await)
}

async fn truth(State(handle): State<Handle>) -> Response {
    answer(handle.truth().await)
}
