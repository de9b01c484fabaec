//! The demo office inside this process, as the host's desk switches it on and off.

use kopi_core::CoreConnection;
use kopi_core::config::Demo;
use kopi_feed::source::BoxFuture;
use kopi_feed::{ConnectionSettings, Secret, TlsSettings};
use kopi_model::wire::{ApiError, ErrorCode};
use kopi_office::{Office as Running, OfficeOptions};
use tokio::sync::Mutex;
use url::Url;

/// The office, when it is on.
#[derive(Default)]
pub(crate) struct Office(Mutex<Option<Running>>);

impl Demo for Office {
    fn switch(&self, on: bool) -> BoxFuture<'_, Result<Vec<CoreConnection>, ApiError>> {
        Box::pin(async move {
            let mut running = self.0.lock().await;
            if !on {
                if let Some(office) = running.take() {
                    office.stop().await;
                }
                return Ok(Vec::new());
            }
            let office = match running.take() {
                Some(office) => office,
                None => Running::start(OfficeOptions::new(jiff::Timestamp::now()))
                    .await
                    .map_err(|error| ApiError::new(ErrorCode::Internal, format!("start the demo office: {error}")))?,
            };
            let servers = &office.address().servers;
            let (drone, rancher) = (&servers.drone, &servers.rancher);
            let connections = vec![
                connection("drone", &drone.url, &[], &[("token", &drone.token)])?,
                connection(
                    "rancher",
                    &rancher.url,
                    &[("access_key", &rancher.access_key)],
                    &[("secret_key", &rancher.secret_key)],
                )?,
            ];
            *running = Some(office);
            Ok(connections)
        })
    }

    fn me(&self) -> Vec<String> {
        vec!["linhao".to_owned()]
    }
}

fn connection(
    kind: &str,
    url: &str,
    fields: &[(&str, &str)],
    secrets: &[(&str, &str)],
) -> Result<CoreConnection, ApiError> {
    let url: Url = url
        .parse()
        .map_err(|error| ApiError::new(ErrorCode::Internal, format!("{url}: {error}")))?;
    Ok(CoreConnection::new(ConnectionSettings {
        name: kind.into(),
        kind: kind.to_owned(),
        url,
        fields: fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        secrets: secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect(),
        tls: TlsSettings::default(),
        production: Vec::new(),
    }))
}
