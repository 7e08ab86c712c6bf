//! What every database must do: one suite of stories, run on each of them, and what only one of them can be asked.
//!
//! A story takes a [`fixture::Fixture`] and knows no database; [`contract`] makes a test of it for each.

mod accounts;
mod append;
mod fixture;
mod group;
mod lists;
mod purge;
mod queue;
mod samples;
mod sqlite;
mod webhooks;

/// Makes a test of each story, on every database.
macro_rules! contract {
    ($($theme:ident { $($story:ident),* $(,)? })*) => {
        mod on_sqlite {
            $(mod $theme {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $story() {
                        crate::$theme::$story(crate::fixture::Fixture::sqlite().await).await;
                    }
                )*
            })*
        }
    };
}

contract! {
    append {
        an_event_and_its_deliveries_are_read_back_as_they_were_given,
    }
    queue {
        a_delivered_one_leaves_the_queue_for_the_log,
        an_attempt_is_kept_with_all_its_parts,
        a_retry_is_claimed_when_it_is_due_and_not_before,
        what_is_due_is_claimed_once_and_the_oldest_first,
        a_late_completion_changes_nothing_but_is_logged,
        of_one_claim_completed_twice_at_once_one_counts,
        what_waits_for_a_webhook_is_claimed_in_the_order_of_acceptance,
        one_that_is_put_back_keeps_what_was_known_of_it,
        cancelling_ends_what_nobody_has_in_hand,
        cancelling_goes_in_steps,
        a_manual_retry_takes_back_what_ended,
        a_manual_retry_takes_what_is_pending_and_leaves_what_is_in_hand,
        a_replay_is_one_more_delivery_of_the_same_event,
        a_test_stays_a_test_whoever_retries_it,
        what_a_plugin_made_is_sent_again_to_the_byte,
        after_a_restart_everything_in_hand_is_due_again,
        the_depth_counts_each_kind,
        health_adds_up_over_groups_and_starts_anew_with_a_success,
    }
}
