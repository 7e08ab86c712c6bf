//! What the plugin makes of its samples, against the files in `golden/`.

use discord::Discord;
use waxwing_guest::testing;

#[test]
fn every_sample_comes_out_as_its_golden_file_says() {
    testing::golden::<Discord>(env!("CARGO_MANIFEST_DIR"));
}
