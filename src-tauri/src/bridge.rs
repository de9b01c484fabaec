//! The three commands of the page (`ui/src/host/tauri.ts`): `subscribe` hands over the channel for every frame, `query`
//! and `act` carry requests. All answers come as frames.
//!
//! Refuses: a request that changes something under the name of one that reads, and any meaning.

use kopi_model::wire::{ApiError, ErrorCode, Frame, Request, RequestBody};
use tauri::State;
use tauri::ipc::Channel;

use crate::line::Line;
use crate::page::Page;

/// The page is there.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "Tauri hands its state over by value")]
pub fn subscribe(page: State<'_, Page>, frames: Channel<Frame>) {
    page.loaded(frames);
}

/// A request that reads.
#[tauri::command]
pub async fn query(line: State<'_, Line>, page: State<'_, Page>, request: Request) -> Result<(), ApiError> {
    if matches!(request.body, RequestBody::Act(_) | RequestBody::Hello(_)) {
        return Err(wrong_command("query"));
    }
    let subscribes = matches!(request.body, RequestBody::Subscribe);
    line.send(request).await;
    if subscribes {
        page.listens();
    }
    Ok(())
}

/// A request that changes something.
#[tauri::command]
pub async fn act(line: State<'_, Line>, request: Request) -> Result<(), ApiError> {
    if !matches!(request.body, RequestBody::Act(_)) {
        return Err(wrong_command("act"));
    }
    line.send(request).await;
    Ok(())
}

fn wrong_command(command: &str) -> ApiError {
    ApiError::new(
        ErrorCode::BadRequest,
        format!("this request does not belong to the command {command}"),
    )
}
