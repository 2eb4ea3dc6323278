//! The databases of the registry: one suite for all of them, what is special about each, and what is left after a crash.

mod kills;
mod logs;
mod model;
mod places;
mod postgres;
mod processes;
mod records;
mod samples;
mod sqlite;

/// Makes a test of each of these functions for each database.
macro_rules! on_every_database {
    ($($module:ident: $($name:ident),*;)*) => {
        mod on_sqlite {
            $($(
                #[test]
                fn $name() {
                    super::$module::$name(&super::places::Sqlite::new());
                }
            )*)*
        }

        mod on_postgres {
            $($(
                #[test]
                fn $name() {
                    if let Some(place) = super::places::Postgres::new() {
                        super::$module::$name(&place);
                    }
                }
            )*)*
        }
    };
}

on_every_database! {
    records:
        an_empty_database_has_a_head_and_nothing_else,
        rows_are_put_changed_and_deleted,
        changes_are_those_after_a_commit,
        what_is_rejected_leaves_nothing,
        rows_change_only_with_an_audit_entry_and_the_next_number,
        a_transaction_that_panics_leaves_nothing,
        sealed_values_come_only_when_asked_for,
        rows_are_read_in_pages,
        a_transaction_sees_what_it_has_done;
    logs:
        the_audit_log_is_a_chain_that_nobody_can_change,
        audit_entries_are_selected,
        events_are_kept_up_to_two_quotas,
        events_are_selected,
        uses_only_move_forward;
    processes:
        what_one_process_writes_another_sees,
        waiting_ends_when_another_writes,
        writers_take_turns,
        rows_and_head_are_of_one_moment,
        a_database_is_the_same_when_it_is_opened_again,
        steps_of_the_schema_are_recorded,
        a_newer_schema_is_refused,
        many_open_a_new_database_at_once;
}
