//! The page and its parts, which are built into the program.

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::Failure;

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../web/", $name)).as_slice())),*]
    };
}

/// Every file of `web/` that a browser asks for.
const ASSETS: &[(&str, &[u8])] = &assets![
    "api.js",
    "app.js",
    "bars.js",
    "billing.js",
    "chart.js",
    "dom.js",
    "energy.js",
    "events.js",
    "fleet.js",
    "format.js",
    "history.js",
    "icon.svg",
    "index.html",
    "live.js",
    "meter.js",
    "panels.css",
    "parts.js",
    "spark.js",
    "store.js",
    "style.css",
    "text-it.js",
    "text.js",
    "theme.js",
    "vendor/uplot/LICENSE",
    "vendor/uplot/uPlot.iife.min.js",
    "vendor/uplot/uPlot.min.css",
    "worker.js",
];

pub(super) async fn page(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let name = if path.is_empty() { "index.html" } else { path };
    match ASSETS.iter().find(|(asset, _)| *asset == name) {
        Some((_, bytes)) => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, content_type(name))],
            *bytes,
        )
            .into_response(),
        None => Failure::not_found(format!("{} is nothing; /api lists the routes", uri.path()))
            .into_response(),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest") => "application/manifest+json",
        Some("png") => "image/png",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_built_in() {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut found = files(&web, "");
        found.retain(|name| !name.ends_with(".md"));
        found.sort();
        let mut known: Vec<_> = ASSETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        known.sort();
        assert_eq!(found, known, "list the files of web/ in ASSETS");
    }

    fn files(folder: &Path, prefix: &str) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the folder of the page");
        entries
            .map(|entry| entry.expect("an entry"))
            .flat_map(|entry| {
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    files(&entry.path(), &format!("{name}/"))
                } else {
                    vec![name]
                }
            })
            .collect()
    }
}
