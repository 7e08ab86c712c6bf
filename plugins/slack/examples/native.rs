//! The plugin's code compiled for this machine, called again and again: what `waxwing bench` says of a call in the sandbox ("each part by
//! itself") is held against this.
//!
//! `cargo run --release -p slack --example native -- [BYTES]`: the event is an order of about so many bytes, as the bench's; 300 if absent.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use serde_json::json;
use slack::{Settings, Slack};
use waxwing_guest::{Plugin, testing};

/// Calls of one measurement; the quickest of [`ROUNDS`] is the one that nothing else disturbed.
const CALLS: u32 = 2_000;
const ROUNDS: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bytes = std::env::args().nth(1).map_or(Ok(300), |bytes| bytes.parse())?;
    let event = testing::event("order.paid", &order(bytes));
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..CALLS {
            // The guest reads its settings anew in every call, too.
            let settings: Settings = serde_json::from_str(black_box("{}"))?;
            let verdict = Slack::transform(black_box(event.clone()), settings, &testing::webhook());
            black_box(verdict).map_err(|failure| format!("{failure:?}"))?;
        }
        rounds.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
    }
    rounds.sort_by(f64::total_cmp);
    let (least, median) = (rounds.first().copied(), rounds.get(ROUNDS / 2).copied());
    let (least, median) = (least.unwrap_or_default(), median.unwrap_or_default());
    let size = event.data.len();
    Ok(writeln!(std::io::stdout(), "{size} bytes of data: {least:.2} µs a call at best, {median:.2} µs in the median")?)
}

fn order(bytes: usize) -> serde_json::Value {
    let customer = json!({ "id": "cus_7Q2M", "name": "Nordwind Media GmbH", "country": "DE" });
    let mut order = json!({ "sent": "bench-1760000000000001", "number": 1, "currency": "EUR", "total": "1249.90", "customer": customer });
    let mut lines = Vec::new();
    for number in 1.. {
        let title = format!("Annual licence, {number} seats");
        let sku = format!("WX-{number:04}");
        lines.push(json!({ "sku": sku, "title": title, "quantity": number, "price": "99.90" }));
        let longer = json!({ "lines": lines }).to_string().len() + order.to_string().len();
        if longer > bytes {
            lines.pop();
            break;
        }
    }
    if let Some(order) = order.as_object_mut() {
        order.insert("lines".to_owned(), lines.into());
    }
    order
}
