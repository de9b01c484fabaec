//! plan → confirm → run → watch (design § 7).

use std::sync::Arc;

use kopi_model::wire::{ApiError, ErrorCode};
use kopi_model::{Order, Plan};

use crate::api::Face;
use crate::engine::Shared;

pub(crate) fn plan(_: &Shared, order: Order) -> Result<Plan, ApiError> {
    Err(ApiError::new(
        ErrorCode::NotSupported,
        format!("{:?} cannot be planned yet", order.verb),
    ))
}
pub(crate) async fn run(_: &Arc<Shared>, _: &Face, order: Order, _: &str, _: bool) -> Result<i64, ApiError> {
    Err(ApiError::new(
        ErrorCode::NotSupported,
        format!("{:?} cannot be run yet", order.verb),
    ))
}
pub(crate) fn undo(_: &Shared, _: i64) -> Result<(), ApiError> {
    Err(ApiError::new(ErrorCode::NotSupported, "nothing is held"))
}
pub(crate) async fn resume(_: Arc<Shared>) {}
