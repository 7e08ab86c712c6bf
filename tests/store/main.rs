//! What every database must do: one suite of stories, run on each of them, and what only one of them can be asked.
//!
//! A story takes a [`fixture::Fixture`] and knows no database; [`contract`] makes a test of it for each.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is a test")]

/// A test that only PostgreSQL can be asked, on a runtime like the server's.
macro_rules! story {
    ($name:ident, $f:ident, $body:block) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            #[allow(unused_mut, reason = "not every story moves its clock")]
            let mut $f = Fixture::postgres().await;
            $body
        }
    };
}

mod accounts;
mod append;
#[path = "../postgres/mod.rs"]
mod cluster;
mod copy;
mod fixture;
mod group;
mod in_order;
mod keys;
mod lists;
mod nodes;
mod postgres;
mod purge;
mod queue;
mod replays;
mod samples;
mod sessions;
mod sinks;
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
        mod on_postgres {
            $(mod $theme {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $story() {
                        crate::$theme::$story(crate::fixture::Fixture::postgres().await).await;
                    }
                )*
            })*
        }
    };
}

contract! {
    append {
        an_event_and_its_deliveries_are_read_back_as_they_were_given,
        a_repeat_with_the_same_key_and_body_gets_the_first_answer,
        a_key_is_forgotten_after_a_day,
        of_concurrent_twins_one_is_written_and_all_get_its_answer,
        a_callers_id_is_taken_once_a_day_per_tenant_and_environment,
        a_batch_with_one_known_id_is_not_written_at_all,
        data_that_is_not_json_keeps_its_type_and_its_bytes,
        what_was_answered_is_there_after_a_restart,
    }
    group {
        one_bad_batch_does_not_hurt_its_group,
        of_a_batch_that_fails_nothing_is_written,
        appends_and_completions_of_many_callers_all_come_true,
    }
    queue {
        a_delivered_one_leaves_the_queue_for_the_log,
        an_attempt_is_kept_with_all_its_parts,
        a_retry_is_claimed_when_it_is_due_and_not_before,
        what_is_due_is_claimed_once_and_the_oldest_first,
        a_late_completion_changes_nothing_but_is_logged,
        a_late_completion_is_told_from_the_one_that_it_comes_with,
        of_one_claim_completed_twice_at_once_one_counts,
        what_waits_for_a_webhook_is_claimed_in_the_order_of_acceptance,
        what_waits_for_many_webhooks_is_claimed_at_once_and_shares_its_events,
        no_more_is_claimed_than_there_is_room_for_its_data,
        where_the_order_counts_nothing_behind_a_retry_is_taken,
        one_that_is_put_back_keeps_what_was_known_of_it,
        cancelling_ends_what_nobody_has_in_hand,
        cancelling_goes_in_steps,
        a_manual_retry_takes_back_what_ended,
        a_manual_retry_takes_what_is_pending_and_leaves_what_is_in_hand,
        a_test_stays_a_test_whoever_retries_it,
        what_a_plugin_made_is_sent_again_to_the_byte,
        after_a_restart_everything_in_hand_is_due_again,
        the_depth_counts_each_kind,
        health_adds_up_over_groups_and_starts_anew_with_a_success,
    }
    replays {
        a_replay_is_one_more_delivery_of_the_same_event,
        replays_of_many_events_are_written_all_or_none,
        the_newest_delivery_of_each_event_is_found_wherever_it_stands,
    }
    lists {
        pages_put_together_are_the_whole_list_while_new_rows_come_in,
        each_filter_shows_what_it_says,
        an_events_deliveries_are_found_wherever_they_were_made,
        a_scan_that_finds_nothing_says_how_far_it_went,
        events_are_listed_by_tenant_type_time_and_callers_id,
        the_stats_are_of_real_attempts_only,
        how_the_newest_deliveries_fare_is_known_of_many_webhooks,
        an_overview_counts_each_delivery_once_in_its_hour,
    }
    purge {
        an_event_goes_with_all_that_hangs_on_it_when_its_class_says,
        what_still_waits_when_its_event_expires_ends_visibly_first,
        what_somebody_works_on_keeps_its_event,
    }
    webhooks {
        a_webhook_is_read_back_with_all_its_parts,
        an_edit_makes_a_revision_and_keeps_the_old_one,
        an_edit_of_what_was_changed_meanwhile_is_refused,
        a_save_that_no_later_writer_could_notice_is_refused,
        a_quota_counts_what_is_there_for_this_tenant,
        what_existed_at_a_time_is_known_as_it_was_then,
        a_plugins_versions_are_listed_newest_first_with_their_bytes,
        a_plugin_that_is_needed_is_not_deleted,
    }
    copy {
        the_other_database_gives_back_everything_as_it_was,
        broken_off_at_any_write_it_is_gone_on_with,
        what_is_copied_is_every_table_and_every_column,
        no_server_starts_on_half_a_copy,
        a_target_that_holds_something_is_left_alone,
        a_target_of_another_key_is_left_alone,
        a_copy_is_not_gone_on_with_from_another_source,
        a_database_that_a_server_works_on_is_neither_read_nor_written,
        what_a_server_did_to_the_source_meanwhile_is_told,
        rows_that_are_lost_on_the_way_are_told,
        large_rows_come_in_small_batches,
        a_source_of_another_schema_is_not_read,
        one_copy_at_a_time_writes_a_target,
    }
    sessions {
        a_session_is_kept_until_it_is_ended_or_has_expired,
        a_link_is_taken_once_however_many_ask_at_once,
        a_link_that_has_expired_is_not_taken,
    }
    sinks {
        a_sink_is_found_by_its_id_and_its_token_and_a_tenant_has_so_many,
        of_what_came_the_newest_stay_for_a_while,
        what_came_goes_with_its_sink_and_a_sink_with_its_tenant,
    }
    accounts {
        a_tenant_is_kept_until_nothing_is_its_own,
        tokens_are_kept_as_hashes_with_their_role,
        the_catalogue_and_the_defaults_are_what_was_last_saved,
        the_audit_log_is_paged_newest_first_and_by_tenant,
    }
}
