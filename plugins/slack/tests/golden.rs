//! What the plugin makes of its samples, against the files in `golden/`.

use slack::Slack;
use waxwing_guest::testing;

#[test]
fn every_sample_comes_out_as_its_golden_file_says() {
    testing::golden::<Slack>(env!("CARGO_MANIFEST_DIR"));
}
