//! Kopi's window: a page and the bridge from it to the core. On Linux the core lives in the agent and this process ends
//! with its window; elsewhere it hosts the core, and its tray, itself.
//!
//! Refuses: knowing what anything means.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

#[cfg(target_os = "linux")]
mod agent;
mod arguments;
mod bridge;
mod line;
mod page;
#[cfg(target_os = "linux")]
mod renderer;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;

// One demo for both hosts of the core: the agent's, compiled in here too.
#[cfg(not(target_os = "linux"))]
#[path = "../crates/kopi-cli/src/demo.rs"]
mod demo;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
mod tray;

use std::process::ExitCode;

use arguments::{Arguments, HELP};
use tauri::webview::WebviewWindowBuilder;
use tauri::{AppHandle, Manager, Runtime, WebviewUrl};

/// The window's label, as in `capabilities/main.json`.
const MAIN: &str = "main";

fn main() -> ExitCode {
    let arguments = match arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(words) => {
            eprintln!("kopi-desktop: {words}");
            return ExitCode::from(2);
        }
    };
    if arguments.help {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if arguments.version {
        println!("kopi-desktop {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,kopi=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match system::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kopi-desktop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The shell with its bridge; `setup` opens the window and what belongs to the system.
fn shell<R: Runtime>(builder: tauri::Builder<R>) -> tauri::Builder<R> {
    builder
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_window_state::Builder::new().build())
        .invoke_handler(tauri::generate_handler![bridge::subscribe, bridge::query, bridge::act])
}

/// Opens the window, or brings it to the front.
fn open_window<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(MAIN) {
        window.show()?;
        window.unminimize()?;
        return window.set_focus();
    }
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title("Kopi")
        .inner_size(1280.0, 800.0)
        .min_inner_size(960.0, 600.0)
        // The page is ours and stays ours; addresses of the world open in the browser.
        .on_navigation(|url| url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost"))
        .build()
        .map(drop)
}
