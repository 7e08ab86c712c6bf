//! Some receivers accept and never answer: the others don't notice.

use std::time::Duration;

use serde_json::json;

use crate::full;
use crate::generator::{Load, percentile, start};
use crate::server::Server;
use crate::sink::{Arrivals, healthy, silent};

const HEALTHY: usize = 100;
const SILENT: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn five_receivers_that_never_answer_hold_up_none_of_the_hundred_others() {
    let _turn = crate::turn().await;
    let (rate, seconds) = if full() { (500, 60) } else { (100, 8) };
    let (arrivals, elsewhere) = (Arrivals::default(), Arrivals::default());
    let server = Server::start().await;
    for number in 0..HEALTHY + SILENT {
        let url = if number < HEALTHY { healthy(&arrivals).await } else { silent(&elsewhere).await };
        server.webhook(&url, &format!("load.r{number}"), json!([])).await;
    }
    let event_type = |n: usize| format!("load.r{}", n % (HEALTHY + SILENT));
    let running = start(&server, Load { rate, count: (rate as usize) * seconds, event_type });
    let acknowledged = running.finish().await;
    assert_eq!(acknowledged.len(), (rate as usize) * seconds, "every event is accepted");

    let number = |event_type: &str| event_type.trim_start_matches("load.r").parse::<usize>().unwrap();
    let to_healthy: Vec<_> = acknowledged.iter().filter(|one| number(&one.event_type) < HEALTHY).collect();
    let events: Vec<String> = to_healthy.iter().map(|one| one.event.clone()).collect();
    let missing = arrivals.wait_for(&events, Duration::from_secs(30)).await;
    assert!(missing.is_empty(), "{} of {} never arrived", missing.len(), events.len());
    let mut delays: Vec<Duration> =
        to_healthy.iter().map(|one| arrivals.of(&one.event)[0].at.saturating_duration_since(one.at)).collect();
    let in_time = delays.iter().filter(|delay| **delay <= Duration::from_secs(1)).count();
    let share = in_time as f64 / delays.len() as f64;
    eprintln!(
        "{} deliveries to healthy receivers: {:.3} % within 1 s of their 202, p50 {:?}, p99 {:?}, worst {:?}",
        delays.len(),
        share * 100.0,
        percentile(&mut delays, 0.5),
        percentile(&mut delays, 0.99),
        percentile(&mut delays, 1.0),
    );
    assert!(share >= 0.999, "{:.3} % within 1 s", share * 100.0);
}
