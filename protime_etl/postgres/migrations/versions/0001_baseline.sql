CREATE TABLE protime.absence_definitions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    code TEXT,
    friendly_name TEXT,
    friendly_name_translations JSONB,
    friendly_code TEXT,
    friendly_code_translations JSONB,
    allowed_durations TEXT,
    is_enabled BOOLEAN,
    is_reason_for_clocking BOOLEAN,
    absence_group_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_absence_definitions PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_absence_definitions_other_form ON protime.absence_definitions (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.absence_definitions IS 'Kinds of absence; reason_id of protime.clockings is the id of one.';
COMMENT ON COLUMN protime.absence_definitions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.absence_definitions.id IS 'Protime''s unique id of the absence definition.';
COMMENT ON COLUMN protime.absence_definitions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.absence_definitions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.absence_definitions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.absence_definitions.code IS 'Code that the tenant gave it.';
COMMENT ON COLUMN protime.absence_definitions.friendly_name IS 'Name that employees see.';
COMMENT ON COLUMN protime.absence_definitions.friendly_name_translations IS 'Translations of friendly_name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.absence_definitions.friendly_code IS 'Code that employees see.';
COMMENT ON COLUMN protime.absence_definitions.friendly_code_translations IS 'Translations of friendly_code, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.absence_definitions.allowed_durations IS 'Unknown, FullDay, HalfDay, Interval or Duration.';
COMMENT ON COLUMN protime.absence_definitions.is_enabled IS 'Whether it may be used now.';
COMMENT ON COLUMN protime.absence_definitions.is_reason_for_clocking IS 'Whether a clocking may have it as its reason.';
COMMENT ON COLUMN protime.absence_definitions.absence_group_id IS 'Absence group that it belongs to. Refers to id of protime.absence_groups.';
COMMENT ON COLUMN protime.absence_definitions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.absence_definitions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.absence_definitions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.absence_definitions.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.absence_definitions_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    code TEXT,
    friendly_name TEXT,
    friendly_name_translations JSONB,
    friendly_code TEXT,
    friendly_code_translations JSONB,
    allowed_durations TEXT,
    is_enabled BOOLEAN,
    is_reason_for_clocking BOOLEAN,
    absence_group_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_absence_definitions_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.absence_definitions_versions IS 'What the rows of protime.absence_definitions were before they changed; see the function absence_definitions_as_of.';
COMMENT ON COLUMN protime.absence_definitions_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.absence_definitions_versions.id IS 'Protime''s unique id of the absence definition.';
COMMENT ON COLUMN protime.absence_definitions_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.absence_definitions_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.absence_definitions_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.absence_definitions_versions.code IS 'Code that the tenant gave it.';
COMMENT ON COLUMN protime.absence_definitions_versions.friendly_name IS 'Name that employees see.';
COMMENT ON COLUMN protime.absence_definitions_versions.friendly_name_translations IS 'Translations of friendly_name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.absence_definitions_versions.friendly_code IS 'Code that employees see.';
COMMENT ON COLUMN protime.absence_definitions_versions.friendly_code_translations IS 'Translations of friendly_code, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.absence_definitions_versions.allowed_durations IS 'Unknown, FullDay, HalfDay, Interval or Duration.';
COMMENT ON COLUMN protime.absence_definitions_versions.is_enabled IS 'Whether it may be used now.';
COMMENT ON COLUMN protime.absence_definitions_versions.is_reason_for_clocking IS 'Whether a clocking may have it as its reason.';
COMMENT ON COLUMN protime.absence_definitions_versions.absence_group_id IS 'Absence group that it belongs to. Refers to id of protime.absence_groups.';
COMMENT ON COLUMN protime.absence_definitions_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.absence_definitions_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.absence_definitions_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.absence_definitions_versions.valid_from IS 'When this version was written to protime.absence_definitions.';
COMMENT ON COLUMN protime.absence_definitions_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.absence_groups (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    type TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_absence_groups PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_absence_groups_other_form ON protime.absence_groups (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.absence_groups IS 'Groups of absence definitions.';
COMMENT ON COLUMN protime.absence_groups.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.absence_groups.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.absence_groups.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.absence_groups.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.absence_groups.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.absence_groups.type IS 'Absence, WorkingElsewhere or Unknown.';
COMMENT ON COLUMN protime.absence_groups.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.absence_groups.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.absence_groups.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.absence_groups.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.absence_groups_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    type TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_absence_groups_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.absence_groups_versions IS 'What the rows of protime.absence_groups were before they changed; see the function absence_groups_as_of.';
COMMENT ON COLUMN protime.absence_groups_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.absence_groups_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.absence_groups_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.absence_groups_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.absence_groups_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.absence_groups_versions.type IS 'Absence, WorkingElsewhere or Unknown.';
COMMENT ON COLUMN protime.absence_groups_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.absence_groups_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.absence_groups_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.absence_groups_versions.valid_from IS 'When this version was written to protime.absence_groups.';
COMMENT ON COLUMN protime.absence_groups_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.absences (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    resulting_absence_definition_id BIGINT,
    requested_absence_definition_id BIGINT,
    shift_definition_id BIGINT,
    start_time_in_minutes INTEGER,
    duration_in_minutes INTEGER,
    calculated_duration_in_minutes INTEGER,
    day_part TEXT,
    request_id TEXT,
    status TEXT,
    approval_level TEXT,
    is_locked BOOLEAN,
    period_type TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_absences PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_absences_date ON protime.absences (date);
CREATE INDEX ix_absences_other_form ON protime.absences (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_absences_tenant_person_id_date ON protime.absences (tenant, person_id, date);
COMMENT ON TABLE protime.absences IS 'Absences, one row for each person, day and part of it. Their reasons may concern health.';
COMMENT ON COLUMN protime.absences.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.absences.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.absences.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.absences.date IS 'Day that the record belongs to.';
COMMENT ON COLUMN protime.absences.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.absences.resulting_absence_definition_id IS 'Absence definition that counts after all approvals. Refers to id of protime.absence_definitions.';
COMMENT ON COLUMN protime.absences.requested_absence_definition_id IS 'Absence definition that was requested. Refers to id of protime.absence_definitions.';
COMMENT ON COLUMN protime.absences.shift_definition_id IS 'Shift definition of the absence, where it is not the schedule''s. Refers to id of protime.shift_definitions.';
COMMENT ON COLUMN protime.absences.start_time_in_minutes IS 'Minute of the day at which it begins; -1440 to 2880.';
COMMENT ON COLUMN protime.absences.duration_in_minutes IS 'How long it is, as entered.';
COMMENT ON COLUMN protime.absences.calculated_duration_in_minutes IS 'How long it is after Protime''s calculation.';
COMMENT ON COLUMN protime.absences.day_part IS 'First, Second or Unknown: the half of the day.';
COMMENT ON COLUMN protime.absences.request_id IS 'Request that it comes from: tenant, person and request.';
COMMENT ON COLUMN protime.absences.status IS 'Unknown, Manual, Auto, BeginOpen, Open, Terminal or Calendar: where it comes from.';
COMMENT ON COLUMN protime.absences.approval_level IS 'Unknown, AwaitingApproval, Approved, NotApproved, NotApprovedByPriorities or NotApprovedByCalculations.';
COMMENT ON COLUMN protime.absences.is_locked IS 'Whether it is locked against changes.';
COMMENT ON COLUMN protime.absences.period_type IS 'Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.';
COMMENT ON COLUMN protime.absences.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.absences.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.absences.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.absences.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.absences_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    resulting_absence_definition_id BIGINT,
    requested_absence_definition_id BIGINT,
    shift_definition_id BIGINT,
    start_time_in_minutes INTEGER,
    duration_in_minutes INTEGER,
    calculated_duration_in_minutes INTEGER,
    day_part TEXT,
    request_id TEXT,
    status TEXT,
    approval_level TEXT,
    is_locked BOOLEAN,
    period_type TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_absences_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.absences_versions IS 'What the rows of protime.absences were before they changed; see the function absences_as_of.';
COMMENT ON COLUMN protime.absences_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.absences_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.absences_versions.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.absences_versions.date IS 'Day that the record belongs to.';
COMMENT ON COLUMN protime.absences_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.absences_versions.resulting_absence_definition_id IS 'Absence definition that counts after all approvals. Refers to id of protime.absence_definitions.';
COMMENT ON COLUMN protime.absences_versions.requested_absence_definition_id IS 'Absence definition that was requested. Refers to id of protime.absence_definitions.';
COMMENT ON COLUMN protime.absences_versions.shift_definition_id IS 'Shift definition of the absence, where it is not the schedule''s. Refers to id of protime.shift_definitions.';
COMMENT ON COLUMN protime.absences_versions.start_time_in_minutes IS 'Minute of the day at which it begins; -1440 to 2880.';
COMMENT ON COLUMN protime.absences_versions.duration_in_minutes IS 'How long it is, as entered.';
COMMENT ON COLUMN protime.absences_versions.calculated_duration_in_minutes IS 'How long it is after Protime''s calculation.';
COMMENT ON COLUMN protime.absences_versions.day_part IS 'First, Second or Unknown: the half of the day.';
COMMENT ON COLUMN protime.absences_versions.request_id IS 'Request that it comes from: tenant, person and request.';
COMMENT ON COLUMN protime.absences_versions.status IS 'Unknown, Manual, Auto, BeginOpen, Open, Terminal or Calendar: where it comes from.';
COMMENT ON COLUMN protime.absences_versions.approval_level IS 'Unknown, AwaitingApproval, Approved, NotApproved, NotApprovedByPriorities or NotApprovedByCalculations.';
COMMENT ON COLUMN protime.absences_versions.is_locked IS 'Whether it is locked against changes.';
COMMENT ON COLUMN protime.absences_versions.period_type IS 'Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.';
COMMENT ON COLUMN protime.absences_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.absences_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.absences_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.absences_versions.valid_from IS 'When this version was written to protime.absences.';
COMMENT ON COLUMN protime.absences_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.access_clockings (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    time_of_day_in_minutes INTEGER,
    terminal_id BIGINT,
    status TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_access_clockings PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_access_clockings_date ON protime.access_clockings (date);
CREATE INDEX ix_access_clockings_other_form ON protime.access_clockings (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_access_clockings_tenant_person_id_date ON protime.access_clockings (tenant, person_id, date);
COMMENT ON TABLE protime.access_clockings IS 'Who went through which door. It serves security: check what you may use it for.';
COMMENT ON COLUMN protime.access_clockings.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.access_clockings.id IS 'Protime''s unique id of the access clocking.';
COMMENT ON COLUMN protime.access_clockings.person_id IS 'Protime''s internal id of the person; null while the badge is unknown. Refers to id of protime.people.';
COMMENT ON COLUMN protime.access_clockings.date IS 'Calendar day.';
COMMENT ON COLUMN protime.access_clockings.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.access_clockings.time_of_day_in_minutes IS 'Minutes since midnight of date.';
COMMENT ON COLUMN protime.access_clockings.terminal_id IS 'Terminal where it was.';
COMMENT ON COLUMN protime.access_clockings.status IS 'AccessOk, AccessRefused, WrongPinCode, UnknownBadgeNumber and others.';
COMMENT ON COLUMN protime.access_clockings.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.access_clockings.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.access_clockings.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.access_clockings.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.activity_durations (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    duration_in_minutes INTEGER,
    activity_levels JSONB,
    absence_definition_id BIGINT,
    counter_definition_ids JSONB,
    request_id TEXT,
    status TEXT,
    is_authorized BOOLEAN,
    shift_definition_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_activity_durations PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_activity_durations_date ON protime.activity_durations (date);
CREATE INDEX ix_activity_durations_other_form ON protime.activity_durations (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_activity_durations_tenant_person_id_date ON protime.activity_durations (tenant, person_id, date);
COMMENT ON TABLE protime.activity_durations IS 'Time on activities by person and day.';
COMMENT ON COLUMN protime.activity_durations.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.activity_durations.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.activity_durations.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.activity_durations.date IS 'Day that the record belongs to.';
COMMENT ON COLUMN protime.activity_durations.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.activity_durations.duration_in_minutes IS 'How long it is.';
COMMENT ON COLUMN protime.activity_durations.activity_levels IS 'Array of level and activityDefinition.id, in Protime''s words.';
COMMENT ON COLUMN protime.activity_durations.absence_definition_id IS 'Absence definition, of an activity while away. Refers to id of protime.absence_definitions.';
COMMENT ON COLUMN protime.activity_durations.counter_definition_ids IS 'Ids of the counter definitions that it feeds.';
COMMENT ON COLUMN protime.activity_durations.request_id IS 'Request that it comes from.';
COMMENT ON COLUMN protime.activity_durations.status IS 'Unknown, Auto, Manual, or in older editions Calendar, Default, Deleted.';
COMMENT ON COLUMN protime.activity_durations.is_authorized IS 'Whether it is authorized.';
COMMENT ON COLUMN protime.activity_durations.shift_definition_id IS 'Shift definition, where it is not the schedule''s. Refers to id of protime.shift_definitions.';
COMMENT ON COLUMN protime.activity_durations.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.activity_durations.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.activity_durations.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.activity_durations.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.assignments (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    from_date DATE NOT NULL,
    until_date DATE,
    change_version TEXT COLLATE "C" NOT NULL,
    start_time_in_minutes INTEGER,
    end_time_in_minutes INTEGER,
    break_duration_in_minutes INTEGER,
    activity_levels JSONB,
    is_rejected BOOLEAN,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_assignments PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_assignments_from_date ON protime.assignments (from_date);
CREATE INDEX ix_assignments_other_form ON protime.assignments (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_assignments_tenant_person_id_from_date ON protime.assignments (tenant, person_id, from_date);
COMMENT ON TABLE protime.assignments IS 'What people are planned to do, by first and last day.';
COMMENT ON COLUMN protime.assignments.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.assignments.id IS 'Protime''s unique id of the assignment.';
COMMENT ON COLUMN protime.assignments.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.assignments.from_date IS 'First day.';
COMMENT ON COLUMN protime.assignments.until_date IS 'Last day; null: open-ended.';
COMMENT ON COLUMN protime.assignments.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.assignments.start_time_in_minutes IS 'Minute of the day at which it begins; -1440 to 2880.';
COMMENT ON COLUMN protime.assignments.end_time_in_minutes IS 'Minute of the day at which it ends; -1440 to 2880.';
COMMENT ON COLUMN protime.assignments.break_duration_in_minutes IS 'Minutes of break in it.';
COMMENT ON COLUMN protime.assignments.activity_levels IS 'Array of level and activityDefinition.id, in Protime''s words.';
COMMENT ON COLUMN protime.assignments.is_rejected IS 'Whether it was rejected.';
COMMENT ON COLUMN protime.assignments.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.assignments.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.assignments.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.assignments.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.assignments_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    from_date DATE NOT NULL,
    until_date DATE,
    change_version TEXT COLLATE "C" NOT NULL,
    start_time_in_minutes INTEGER,
    end_time_in_minutes INTEGER,
    break_duration_in_minutes INTEGER,
    activity_levels JSONB,
    is_rejected BOOLEAN,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_assignments_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.assignments_versions IS 'What the rows of protime.assignments were before they changed; see the function assignments_as_of.';
COMMENT ON COLUMN protime.assignments_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.assignments_versions.id IS 'Protime''s unique id of the assignment.';
COMMENT ON COLUMN protime.assignments_versions.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.assignments_versions.from_date IS 'First day.';
COMMENT ON COLUMN protime.assignments_versions.until_date IS 'Last day; null: open-ended.';
COMMENT ON COLUMN protime.assignments_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.assignments_versions.start_time_in_minutes IS 'Minute of the day at which it begins; -1440 to 2880.';
COMMENT ON COLUMN protime.assignments_versions.end_time_in_minutes IS 'Minute of the day at which it ends; -1440 to 2880.';
COMMENT ON COLUMN protime.assignments_versions.break_duration_in_minutes IS 'Minutes of break in it.';
COMMENT ON COLUMN protime.assignments_versions.activity_levels IS 'Array of level and activityDefinition.id, in Protime''s words.';
COMMENT ON COLUMN protime.assignments_versions.is_rejected IS 'Whether it was rejected.';
COMMENT ON COLUMN protime.assignments_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.assignments_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.assignments_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.assignments_versions.valid_from IS 'When this version was written to protime.assignments.';
COMMENT ON COLUMN protime.assignments_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.break_definitions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    friendly_name TEXT,
    friendly_name_translations JSONB,
    paid_duration_in_minutes INTEGER,
    minimum_duration_in_minutes INTEGER,
    maximum_duration_in_minutes INTEGER,
    if_not_clocked_duration_in_minutes INTEGER,
    has_to_be_taken_uninterrupted BOOLEAN,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_break_definitions PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_break_definitions_other_form ON protime.break_definitions (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.break_definitions IS 'Break definitions.';
COMMENT ON COLUMN protime.break_definitions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.break_definitions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.break_definitions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.break_definitions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.break_definitions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.break_definitions.friendly_name IS 'Name that employees see.';
COMMENT ON COLUMN protime.break_definitions.friendly_name_translations IS 'Translations of friendly_name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.break_definitions.paid_duration_in_minutes IS 'Minutes of it that are paid.';
COMMENT ON COLUMN protime.break_definitions.minimum_duration_in_minutes IS 'Least minutes.';
COMMENT ON COLUMN protime.break_definitions.maximum_duration_in_minutes IS 'Most minutes.';
COMMENT ON COLUMN protime.break_definitions.if_not_clocked_duration_in_minutes IS 'Minutes that are deducted where no break was clocked.';
COMMENT ON COLUMN protime.break_definitions.has_to_be_taken_uninterrupted IS 'Whether it has to be taken in one piece.';
COMMENT ON COLUMN protime.break_definitions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.break_definitions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.break_definitions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.break_definitions.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.break_definitions_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    friendly_name TEXT,
    friendly_name_translations JSONB,
    paid_duration_in_minutes INTEGER,
    minimum_duration_in_minutes INTEGER,
    maximum_duration_in_minutes INTEGER,
    if_not_clocked_duration_in_minutes INTEGER,
    has_to_be_taken_uninterrupted BOOLEAN,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_break_definitions_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.break_definitions_versions IS 'What the rows of protime.break_definitions were before they changed; see the function break_definitions_as_of.';
COMMENT ON COLUMN protime.break_definitions_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.break_definitions_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.break_definitions_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.break_definitions_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.break_definitions_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.break_definitions_versions.friendly_name IS 'Name that employees see.';
COMMENT ON COLUMN protime.break_definitions_versions.friendly_name_translations IS 'Translations of friendly_name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.break_definitions_versions.paid_duration_in_minutes IS 'Minutes of it that are paid.';
COMMENT ON COLUMN protime.break_definitions_versions.minimum_duration_in_minutes IS 'Least minutes.';
COMMENT ON COLUMN protime.break_definitions_versions.maximum_duration_in_minutes IS 'Most minutes.';
COMMENT ON COLUMN protime.break_definitions_versions.if_not_clocked_duration_in_minutes IS 'Minutes that are deducted where no break was clocked.';
COMMENT ON COLUMN protime.break_definitions_versions.has_to_be_taken_uninterrupted IS 'Whether it has to be taken in one piece.';
COMMENT ON COLUMN protime.break_definitions_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.break_definitions_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.break_definitions_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.break_definitions_versions.valid_from IS 'When this version was written to protime.break_definitions.';
COMMENT ON COLUMN protime.break_definitions_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.breaks (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    break_definition_id BIGINT,
    calculated_duration_in_minutes INTEGER,
    clocked_duration_in_minutes INTEGER,
    start_time_in_minutes INTEGER,
    end_time_in_minutes INTEGER,
    is_break_taken BOOLEAN,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_breaks PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_breaks_date ON protime.breaks (date);
CREATE INDEX ix_breaks_other_form ON protime.breaks (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_breaks_tenant_person_id_date ON protime.breaks (tenant, person_id, date);
COMMENT ON TABLE protime.breaks IS 'Breaks by person and day. Start and end are what the definition allows: see clockings for the rest.';
COMMENT ON COLUMN protime.breaks.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.breaks.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.breaks.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.breaks.date IS 'Day that the record belongs to.';
COMMENT ON COLUMN protime.breaks.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.breaks.break_definition_id IS 'Break definition that it follows. Refers to id of protime.break_definitions.';
COMMENT ON COLUMN protime.breaks.calculated_duration_in_minutes IS 'Minutes that Protime counts; deducted also where no break was clocked.';
COMMENT ON COLUMN protime.breaks.clocked_duration_in_minutes IS 'Minutes that were clocked.';
COMMENT ON COLUMN protime.breaks.start_time_in_minutes IS 'Earliest start that the definition allows, not when it was taken.';
COMMENT ON COLUMN protime.breaks.end_time_in_minutes IS 'Latest end that the definition allows, not when it was taken.';
COMMENT ON COLUMN protime.breaks.is_break_taken IS 'Whether it was taken.';
COMMENT ON COLUMN protime.breaks.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.breaks.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.breaks.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.breaks.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.calculated_totals (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    normal_time_duration_in_minutes INTEGER,
    time_present_duration_in_minutes INTEGER,
    calculated_presence_duration_in_minutes INTEGER,
    weekly_hours1_duration_in_minutes INTEGER,
    weekly_hours2_duration_in_minutes INTEGER,
    weekly_hours3_duration_in_minutes INTEGER,
    pay_period_hours_duration_in_minutes INTEGER,
    flextime_duration_in_minutes INTEGER,
    flextime_balance_in_minutes INTEGER,
    shift_definition_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_calculated_totals PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_calculated_totals_date ON protime.calculated_totals (date);
CREATE INDEX ix_calculated_totals_other_form ON protime.calculated_totals (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_calculated_totals_tenant_person_id_date ON protime.calculated_totals (tenant, person_id, date);
COMMENT ON TABLE protime.calculated_totals IS 'Totals that Protime calculated, one row for each person and day.';
COMMENT ON COLUMN protime.calculated_totals.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.calculated_totals.id IS 'Protime''s unique id of the totals.';
COMMENT ON COLUMN protime.calculated_totals.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.calculated_totals.date IS 'Day that was calculated; a person has one row a day.';
COMMENT ON COLUMN protime.calculated_totals.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.calculated_totals.normal_time_duration_in_minutes IS 'Working time that the schedule expects of the day.';
COMMENT ON COLUMN protime.calculated_totals.time_present_duration_in_minutes IS 'Time between clocking in and out.';
COMMENT ON COLUMN protime.calculated_totals.calculated_presence_duration_in_minutes IS 'Presence after Protime''s corrections, such as rounding and breaks.';
COMMENT ON COLUMN protime.calculated_totals.weekly_hours1_duration_in_minutes IS 'Minutes of weekly total 1.';
COMMENT ON COLUMN protime.calculated_totals.weekly_hours2_duration_in_minutes IS 'Minutes of weekly total 2.';
COMMENT ON COLUMN protime.calculated_totals.weekly_hours3_duration_in_minutes IS 'Minutes of weekly total 3.';
COMMENT ON COLUMN protime.calculated_totals.pay_period_hours_duration_in_minutes IS 'Minutes of the pay period.';
COMMENT ON COLUMN protime.calculated_totals.flextime_duration_in_minutes IS 'Flextime of the day.';
COMMENT ON COLUMN protime.calculated_totals.flextime_balance_in_minutes IS 'Flextime after this day: a running balance, which is not to be added up.';
COMMENT ON COLUMN protime.calculated_totals.shift_definition_id IS 'Shift definition of the day. Refers to id of protime.shift_definitions.';
COMMENT ON COLUMN protime.calculated_totals.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.calculated_totals.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.calculated_totals.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.calculated_totals.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.calculated_totals_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    normal_time_duration_in_minutes INTEGER,
    time_present_duration_in_minutes INTEGER,
    calculated_presence_duration_in_minutes INTEGER,
    weekly_hours1_duration_in_minutes INTEGER,
    weekly_hours2_duration_in_minutes INTEGER,
    weekly_hours3_duration_in_minutes INTEGER,
    pay_period_hours_duration_in_minutes INTEGER,
    flextime_duration_in_minutes INTEGER,
    flextime_balance_in_minutes INTEGER,
    shift_definition_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_calculated_totals_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.calculated_totals_versions IS 'What the rows of protime.calculated_totals were before they changed; see the function calculated_totals_as_of.';
COMMENT ON COLUMN protime.calculated_totals_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.calculated_totals_versions.id IS 'Protime''s unique id of the totals.';
COMMENT ON COLUMN protime.calculated_totals_versions.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.calculated_totals_versions.date IS 'Day that was calculated; a person has one row a day.';
COMMENT ON COLUMN protime.calculated_totals_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.calculated_totals_versions.normal_time_duration_in_minutes IS 'Working time that the schedule expects of the day.';
COMMENT ON COLUMN protime.calculated_totals_versions.time_present_duration_in_minutes IS 'Time between clocking in and out.';
COMMENT ON COLUMN protime.calculated_totals_versions.calculated_presence_duration_in_minutes IS 'Presence after Protime''s corrections, such as rounding and breaks.';
COMMENT ON COLUMN protime.calculated_totals_versions.weekly_hours1_duration_in_minutes IS 'Minutes of weekly total 1.';
COMMENT ON COLUMN protime.calculated_totals_versions.weekly_hours2_duration_in_minutes IS 'Minutes of weekly total 2.';
COMMENT ON COLUMN protime.calculated_totals_versions.weekly_hours3_duration_in_minutes IS 'Minutes of weekly total 3.';
COMMENT ON COLUMN protime.calculated_totals_versions.pay_period_hours_duration_in_minutes IS 'Minutes of the pay period.';
COMMENT ON COLUMN protime.calculated_totals_versions.flextime_duration_in_minutes IS 'Flextime of the day.';
COMMENT ON COLUMN protime.calculated_totals_versions.flextime_balance_in_minutes IS 'Flextime after this day: a running balance, which is not to be added up.';
COMMENT ON COLUMN protime.calculated_totals_versions.shift_definition_id IS 'Shift definition of the day. Refers to id of protime.shift_definitions.';
COMMENT ON COLUMN protime.calculated_totals_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.calculated_totals_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.calculated_totals_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.calculated_totals_versions.valid_from IS 'When this version was written to protime.calculated_totals.';
COMMENT ON COLUMN protime.calculated_totals_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.clocking_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    time_of_day_in_minutes INTEGER NOT NULL,
    kind TEXT,
    change_version TEXT COLLATE "C" NOT NULL,
    original_time_of_day_in_minutes INTEGER,
    calculated_time_of_day_in_minutes INTEGER,
    is_generated BOOLEAN,
    terminal_id BIGINT,
    longitude DOUBLE PRECISION,
    latitude DOUBLE PRECISION,
    reason_id BIGINT,
    is_open BOOLEAN,
    activity_levels JSONB,
    status TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_clocking_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.clocking_versions IS 'What the rows of protime.clockings were before they changed; see the function clockings_as_of.';
COMMENT ON COLUMN protime.clocking_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.clocking_versions.id IS 'Protime''s unique id of the clocking.';
COMMENT ON COLUMN protime.clocking_versions.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.clocking_versions.date IS 'Day that the clocking belongs to, assigned by Protime.';
COMMENT ON COLUMN protime.clocking_versions.time_of_day_in_minutes IS 'Wall-clock minutes since midnight of date; below 0 is the previous day, 1440 and more the next.';
COMMENT ON COLUMN protime.clocking_versions.kind IS 'InOut, Reason, Activity or ActivityEnd.';
COMMENT ON COLUMN protime.clocking_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.clocking_versions.original_time_of_day_in_minutes IS 'Time as registered; only set if the clocking was edited.';
COMMENT ON COLUMN protime.clocking_versions.calculated_time_of_day_in_minutes IS 'Time after Protime''s corrections, such as rounding.';
COMMENT ON COLUMN protime.clocking_versions.is_generated IS 'Generated by Protime rather than clocked by a person.';
COMMENT ON COLUMN protime.clocking_versions.terminal_id IS 'Internal id of the terminal.';
COMMENT ON COLUMN protime.clocking_versions.longitude IS 'Longitude in degrees, where the clocking was registered.';
COMMENT ON COLUMN protime.clocking_versions.latitude IS 'Latitude in degrees, where the clocking was registered.';
COMMENT ON COLUMN protime.clocking_versions.reason_id IS 'Absence definition; only if kind is Reason. Refers to id of protime.absence_definitions.';
COMMENT ON COLUMN protime.clocking_versions.is_open IS 'The reason clocking is open; only if kind is Reason.';
COMMENT ON COLUMN protime.clocking_versions.activity_levels IS 'List of {level, activityDefinition.id}; only if kind is Activity.';
COMMENT ON COLUMN protime.clocking_versions.status IS 'Unknown, Active or Deleted, as Protime gives it.';
COMMENT ON COLUMN protime.clocking_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.clocking_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.clocking_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.clocking_versions.valid_from IS 'When this version was written to protime.clockings.';
COMMENT ON COLUMN protime.clocking_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.clockings (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    time_of_day_in_minutes INTEGER NOT NULL,
    kind TEXT,
    change_version TEXT COLLATE "C" NOT NULL,
    original_time_of_day_in_minutes INTEGER,
    calculated_time_of_day_in_minutes INTEGER,
    is_generated BOOLEAN,
    terminal_id BIGINT,
    longitude DOUBLE PRECISION,
    latitude DOUBLE PRECISION,
    reason_id BIGINT,
    is_open BOOLEAN,
    activity_levels JSONB,
    status TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_clockings PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_clockings_date ON protime.clockings (date);
CREATE INDEX ix_clockings_other_form ON protime.clockings (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_clockings_tenant_person_id_date ON protime.clockings (tenant, person_id, date);
COMMENT ON TABLE protime.clockings IS 'Every clocking of the tenant, one row each, deleted ones included (deleted_at).';
COMMENT ON COLUMN protime.clockings.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.clockings.id IS 'Protime''s unique id of the clocking.';
COMMENT ON COLUMN protime.clockings.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.clockings.date IS 'Day that the clocking belongs to, assigned by Protime.';
COMMENT ON COLUMN protime.clockings.time_of_day_in_minutes IS 'Wall-clock minutes since midnight of date; below 0 is the previous day, 1440 and more the next.';
COMMENT ON COLUMN protime.clockings.kind IS 'InOut, Reason, Activity or ActivityEnd.';
COMMENT ON COLUMN protime.clockings.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.clockings.original_time_of_day_in_minutes IS 'Time as registered; only set if the clocking was edited.';
COMMENT ON COLUMN protime.clockings.calculated_time_of_day_in_minutes IS 'Time after Protime''s corrections, such as rounding.';
COMMENT ON COLUMN protime.clockings.is_generated IS 'Generated by Protime rather than clocked by a person.';
COMMENT ON COLUMN protime.clockings.terminal_id IS 'Internal id of the terminal.';
COMMENT ON COLUMN protime.clockings.longitude IS 'Longitude in degrees, where the clocking was registered.';
COMMENT ON COLUMN protime.clockings.latitude IS 'Latitude in degrees, where the clocking was registered.';
COMMENT ON COLUMN protime.clockings.reason_id IS 'Absence definition; only if kind is Reason. Refers to id of protime.absence_definitions.';
COMMENT ON COLUMN protime.clockings.is_open IS 'The reason clocking is open; only if kind is Reason.';
COMMENT ON COLUMN protime.clockings.activity_levels IS 'List of {level, activityDefinition.id}; only if kind is Activity.';
COMMENT ON COLUMN protime.clockings.status IS 'Unknown, Active or Deleted, as Protime gives it.';
COMMENT ON COLUMN protime.clockings.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.clockings.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.clockings.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.clockings.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.contracts (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    person_id BIGINT NOT NULL,
    code TEXT,
    from_date DATE,
    until_date DATE,
    contract_hours_in_minutes DOUBLE PRECISION,
    full_time_equivalent_in_minutes DOUBLE PRECISION,
    contract_percentage DOUBLE PRECISION,
    number_of_working_days_per_week DOUBLE PRECISION,
    number_of_days_in_contract_period DOUBLE PRECISION,
    kind TEXT,
    parent_contract_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_contracts PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_contracts_other_form ON protime.contracts (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_contracts_tenant_person_id ON protime.contracts (tenant, person_id);
COMMENT ON TABLE protime.contracts IS 'Contracts of people, by first and last day.';
COMMENT ON COLUMN protime.contracts.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.contracts.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.contracts.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.contracts.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.contracts.code IS 'Code that the tenant gave it.';
COMMENT ON COLUMN protime.contracts.from_date IS 'First day.';
COMMENT ON COLUMN protime.contracts.until_date IS 'Last day; null: open-ended.';
COMMENT ON COLUMN protime.contracts.contract_hours_in_minutes IS 'Minutes of work in the contract''s period.';
COMMENT ON COLUMN protime.contracts.full_time_equivalent_in_minutes IS 'Minutes of full-time work in that period.';
COMMENT ON COLUMN protime.contracts.contract_percentage IS 'Part of full-time work, in percent.';
COMMENT ON COLUMN protime.contracts.number_of_working_days_per_week IS 'Working days in a week.';
COMMENT ON COLUMN protime.contracts.number_of_days_in_contract_period IS 'Days in the contract''s period.';
COMMENT ON COLUMN protime.contracts.kind IS 'Contract or Addendum.';
COMMENT ON COLUMN protime.contracts.parent_contract_id IS 'Contract that an addendum belongs to. Refers to id of protime.contracts.';
COMMENT ON COLUMN protime.contracts.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.contracts.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.contracts.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.contracts.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.contracts_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    person_id BIGINT NOT NULL,
    code TEXT,
    from_date DATE,
    until_date DATE,
    contract_hours_in_minutes DOUBLE PRECISION,
    full_time_equivalent_in_minutes DOUBLE PRECISION,
    contract_percentage DOUBLE PRECISION,
    number_of_working_days_per_week DOUBLE PRECISION,
    number_of_days_in_contract_period DOUBLE PRECISION,
    kind TEXT,
    parent_contract_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_contracts_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.contracts_versions IS 'What the rows of protime.contracts were before they changed; see the function contracts_as_of.';
COMMENT ON COLUMN protime.contracts_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.contracts_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.contracts_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.contracts_versions.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.contracts_versions.code IS 'Code that the tenant gave it.';
COMMENT ON COLUMN protime.contracts_versions.from_date IS 'First day.';
COMMENT ON COLUMN protime.contracts_versions.until_date IS 'Last day; null: open-ended.';
COMMENT ON COLUMN protime.contracts_versions.contract_hours_in_minutes IS 'Minutes of work in the contract''s period.';
COMMENT ON COLUMN protime.contracts_versions.full_time_equivalent_in_minutes IS 'Minutes of full-time work in that period.';
COMMENT ON COLUMN protime.contracts_versions.contract_percentage IS 'Part of full-time work, in percent.';
COMMENT ON COLUMN protime.contracts_versions.number_of_working_days_per_week IS 'Working days in a week.';
COMMENT ON COLUMN protime.contracts_versions.number_of_days_in_contract_period IS 'Days in the contract''s period.';
COMMENT ON COLUMN protime.contracts_versions.kind IS 'Contract or Addendum.';
COMMENT ON COLUMN protime.contracts_versions.parent_contract_id IS 'Contract that an addendum belongs to. Refers to id of protime.contracts.';
COMMENT ON COLUMN protime.contracts_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.contracts_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.contracts_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.contracts_versions.valid_from IS 'When this version was written to protime.contracts.';
COMMENT ON COLUMN protime.contracts_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.counter_definitions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    code TEXT,
    friendly_name TEXT,
    friendly_name_translations JSONB,
    friendly_code TEXT,
    friendly_code_translations JSONB,
    is_enabled BOOLEAN,
    counter_group_id BIGINT,
    unit TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_counter_definitions PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_counter_definitions_other_form ON protime.counter_definitions (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.counter_definitions IS 'What counters count; code is a pay code.';
COMMENT ON COLUMN protime.counter_definitions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.counter_definitions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.counter_definitions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.counter_definitions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.counter_definitions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.counter_definitions.code IS 'Code that the tenant gave it.';
COMMENT ON COLUMN protime.counter_definitions.friendly_name IS 'Name that employees see.';
COMMENT ON COLUMN protime.counter_definitions.friendly_name_translations IS 'Translations of friendly_name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.counter_definitions.friendly_code IS 'Code that employees see.';
COMMENT ON COLUMN protime.counter_definitions.friendly_code_translations IS 'Translations of friendly_code, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.counter_definitions.is_enabled IS 'Whether it may be used now.';
COMMENT ON COLUMN protime.counter_definitions.counter_group_id IS 'Counter group that it belongs to. Refers to id of protime.counter_groups.';
COMMENT ON COLUMN protime.counter_definitions.unit IS 'Unknown, Interval, Duration or Instance.';
COMMENT ON COLUMN protime.counter_definitions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.counter_definitions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.counter_definitions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.counter_definitions.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.counter_definitions_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    code TEXT,
    friendly_name TEXT,
    friendly_name_translations JSONB,
    friendly_code TEXT,
    friendly_code_translations JSONB,
    is_enabled BOOLEAN,
    counter_group_id BIGINT,
    unit TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_counter_definitions_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.counter_definitions_versions IS 'What the rows of protime.counter_definitions were before they changed; see the function counter_definitions_as_of.';
COMMENT ON COLUMN protime.counter_definitions_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.counter_definitions_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.counter_definitions_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.counter_definitions_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.counter_definitions_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.counter_definitions_versions.code IS 'Code that the tenant gave it.';
COMMENT ON COLUMN protime.counter_definitions_versions.friendly_name IS 'Name that employees see.';
COMMENT ON COLUMN protime.counter_definitions_versions.friendly_name_translations IS 'Translations of friendly_name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.counter_definitions_versions.friendly_code IS 'Code that employees see.';
COMMENT ON COLUMN protime.counter_definitions_versions.friendly_code_translations IS 'Translations of friendly_code, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.counter_definitions_versions.is_enabled IS 'Whether it may be used now.';
COMMENT ON COLUMN protime.counter_definitions_versions.counter_group_id IS 'Counter group that it belongs to. Refers to id of protime.counter_groups.';
COMMENT ON COLUMN protime.counter_definitions_versions.unit IS 'Unknown, Interval, Duration or Instance.';
COMMENT ON COLUMN protime.counter_definitions_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.counter_definitions_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.counter_definitions_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.counter_definitions_versions.valid_from IS 'When this version was written to protime.counter_definitions.';
COMMENT ON COLUMN protime.counter_definitions_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.counter_groups (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_counter_groups PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_counter_groups_other_form ON protime.counter_groups (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.counter_groups IS 'Groups of counter definitions.';
COMMENT ON COLUMN protime.counter_groups.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.counter_groups.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.counter_groups.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.counter_groups.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.counter_groups.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.counter_groups.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.counter_groups.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.counter_groups.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.counter_groups.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.counter_groups_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_counter_groups_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.counter_groups_versions IS 'What the rows of protime.counter_groups were before they changed; see the function counter_groups_as_of.';
COMMENT ON COLUMN protime.counter_groups_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.counter_groups_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.counter_groups_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.counter_groups_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.counter_groups_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.counter_groups_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.counter_groups_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.counter_groups_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.counter_groups_versions.valid_from IS 'When this version was written to protime.counter_groups.';
COMMENT ON COLUMN protime.counter_groups_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.counters (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    counter_definition_id BIGINT,
    start_time_in_minutes INTEGER,
    end_time_in_minutes INTEGER,
    duration_in_minutes INTEGER,
    number_of_instances INTEGER,
    period_type TEXT,
    status TEXT,
    is_authorized BOOLEAN,
    shift_definition_id BIGINT,
    request_id TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_counters PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_counters_date ON protime.counters (date);
CREATE INDEX ix_counters_other_form ON protime.counters (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_counters_tenant_person_id_date ON protime.counters (tenant, person_id, date);
COMMENT ON TABLE protime.counters IS 'What counters gained, by person and day. Do not add rows of different period_type.';
COMMENT ON COLUMN protime.counters.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.counters.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.counters.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.counters.date IS 'Day that the record belongs to.';
COMMENT ON COLUMN protime.counters.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.counters.counter_definition_id IS 'Counter definition that was counted. Refers to id of protime.counter_definitions.';
COMMENT ON COLUMN protime.counters.start_time_in_minutes IS 'Minute of the day at which it begins.';
COMMENT ON COLUMN protime.counters.end_time_in_minutes IS 'Minute of the day at which it ends.';
COMMENT ON COLUMN protime.counters.duration_in_minutes IS 'How long it is.';
COMMENT ON COLUMN protime.counters.number_of_instances IS 'How many there were, of a counter that counts instances.';
COMMENT ON COLUMN protime.counters.period_type IS 'Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.';
COMMENT ON COLUMN protime.counters.status IS 'Unknown, Auto, Manual or Calendar: where it comes from.';
COMMENT ON COLUMN protime.counters.is_authorized IS 'Whether it is authorized.';
COMMENT ON COLUMN protime.counters.shift_definition_id IS 'Shift definition, where it is not the schedule''s. Refers to id of protime.shift_definitions.';
COMMENT ON COLUMN protime.counters.request_id IS 'Request that it comes from.';
COMMENT ON COLUMN protime.counters.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.counters.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.counters.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.counters.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.counters_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    counter_definition_id BIGINT,
    start_time_in_minutes INTEGER,
    end_time_in_minutes INTEGER,
    duration_in_minutes INTEGER,
    number_of_instances INTEGER,
    period_type TEXT,
    status TEXT,
    is_authorized BOOLEAN,
    shift_definition_id BIGINT,
    request_id TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_counters_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.counters_versions IS 'What the rows of protime.counters were before they changed; see the function counters_as_of.';
COMMENT ON COLUMN protime.counters_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.counters_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.counters_versions.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.counters_versions.date IS 'Day that the record belongs to.';
COMMENT ON COLUMN protime.counters_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.counters_versions.counter_definition_id IS 'Counter definition that was counted. Refers to id of protime.counter_definitions.';
COMMENT ON COLUMN protime.counters_versions.start_time_in_minutes IS 'Minute of the day at which it begins.';
COMMENT ON COLUMN protime.counters_versions.end_time_in_minutes IS 'Minute of the day at which it ends.';
COMMENT ON COLUMN protime.counters_versions.duration_in_minutes IS 'How long it is.';
COMMENT ON COLUMN protime.counters_versions.number_of_instances IS 'How many there were, of a counter that counts instances.';
COMMENT ON COLUMN protime.counters_versions.period_type IS 'Unknown, Day, Week or PayPeriod: the value of a week or a pay period stands on one day.';
COMMENT ON COLUMN protime.counters_versions.status IS 'Unknown, Auto, Manual or Calendar: where it comes from.';
COMMENT ON COLUMN protime.counters_versions.is_authorized IS 'Whether it is authorized.';
COMMENT ON COLUMN protime.counters_versions.shift_definition_id IS 'Shift definition, where it is not the schedule''s. Refers to id of protime.shift_definitions.';
COMMENT ON COLUMN protime.counters_versions.request_id IS 'Request that it comes from.';
COMMENT ON COLUMN protime.counters_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.counters_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.counters_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.counters_versions.valid_from IS 'When this version was written to protime.counters.';
COMMENT ON COLUMN protime.counters_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.department_histories (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    person_id BIGINT NOT NULL,
    from_date DATE,
    until_date DATE,
    department_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_department_histories PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_department_histories_other_form ON protime.department_histories (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_department_histories_tenant_person_id ON protime.department_histories (tenant, person_id);
COMMENT ON TABLE protime.department_histories IS 'Which department each person had from which day to which.';
COMMENT ON COLUMN protime.department_histories.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.department_histories.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.department_histories.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.department_histories.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.department_histories.from_date IS 'First day.';
COMMENT ON COLUMN protime.department_histories.until_date IS 'Last day; null: open-ended. Whether it is included is not documented.';
COMMENT ON COLUMN protime.department_histories.department_id IS 'The department of these days. Refers to id of protime.departments.';
COMMENT ON COLUMN protime.department_histories.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.department_histories.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.department_histories.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.department_histories.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.departments (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    external_code TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_departments PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_departments_other_form ON protime.departments (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.departments IS 'Departments.';
COMMENT ON COLUMN protime.departments.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.departments.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.departments.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.departments.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.departments.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.departments.external_code IS 'Code of the department elsewhere, such as in payroll.';
COMMENT ON COLUMN protime.departments.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.departments.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.departments.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.departments.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.departments_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    external_code TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_departments_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.departments_versions IS 'What the rows of protime.departments were before they changed; see the function departments_as_of.';
COMMENT ON COLUMN protime.departments_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.departments_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.departments_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.departments_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.departments_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.departments_versions.external_code IS 'Code of the department elsewhere, such as in payroll.';
COMMENT ON COLUMN protime.departments_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.departments_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.departments_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.departments_versions.valid_from IS 'When this version was written to protime.departments.';
COMMENT ON COLUMN protime.departments_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.employer_histories (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    person_id BIGINT NOT NULL,
    from_date DATE,
    until_date DATE,
    employer_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_employer_histories PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_employer_histories_other_form ON protime.employer_histories (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_employer_histories_tenant_person_id ON protime.employer_histories (tenant, person_id);
COMMENT ON TABLE protime.employer_histories IS 'Which employer each person had from which day to which.';
COMMENT ON COLUMN protime.employer_histories.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.employer_histories.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.employer_histories.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.employer_histories.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.employer_histories.from_date IS 'First day.';
COMMENT ON COLUMN protime.employer_histories.until_date IS 'Last day; null: open-ended. Whether it is included is not documented.';
COMMENT ON COLUMN protime.employer_histories.employer_id IS 'The employer of these days. Refers to id of protime.employers.';
COMMENT ON COLUMN protime.employer_histories.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.employer_histories.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.employer_histories.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.employer_histories.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.employers (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    external_code TEXT,
    address TEXT,
    town TEXT,
    postal_code TEXT,
    company_registration_number TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_employers PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_employers_other_form ON protime.employers (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.employers IS 'Employers, without their bank accounts.';
COMMENT ON COLUMN protime.employers.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.employers.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.employers.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.employers.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.employers.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.employers.external_code IS 'Code of the employer elsewhere, such as in payroll.';
COMMENT ON COLUMN protime.employers.address IS 'Street and number.';
COMMENT ON COLUMN protime.employers.town IS 'Town.';
COMMENT ON COLUMN protime.employers.postal_code IS 'Postal code.';
COMMENT ON COLUMN protime.employers.company_registration_number IS 'Number in the register of companies.';
COMMENT ON COLUMN protime.employers.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.employers.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.employers.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.employers.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.employers_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    external_code TEXT,
    address TEXT,
    town TEXT,
    postal_code TEXT,
    company_registration_number TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_employers_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.employers_versions IS 'What the rows of protime.employers were before they changed; see the function employers_as_of.';
COMMENT ON COLUMN protime.employers_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.employers_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.employers_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.employers_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.employers_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.employers_versions.external_code IS 'Code of the employer elsewhere, such as in payroll.';
COMMENT ON COLUMN protime.employers_versions.address IS 'Street and number.';
COMMENT ON COLUMN protime.employers_versions.town IS 'Town.';
COMMENT ON COLUMN protime.employers_versions.postal_code IS 'Postal code.';
COMMENT ON COLUMN protime.employers_versions.company_registration_number IS 'Number in the register of companies.';
COMMENT ON COLUMN protime.employers_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.employers_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.employers_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.employers_versions.valid_from IS 'When this version was written to protime.employers.';
COMMENT ON COLUMN protime.employers_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.job_categories (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    external_code TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_job_categories PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_job_categories_other_form ON protime.job_categories (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.job_categories IS 'Job categories.';
COMMENT ON COLUMN protime.job_categories.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.job_categories.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.job_categories.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.job_categories.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.job_categories.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.job_categories.external_code IS 'Code of the category elsewhere, such as in payroll.';
COMMENT ON COLUMN protime.job_categories.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.job_categories.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.job_categories.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.job_categories.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.job_categories_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    external_code TEXT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_job_categories_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.job_categories_versions IS 'What the rows of protime.job_categories were before they changed; see the function job_categories_as_of.';
COMMENT ON COLUMN protime.job_categories_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.job_categories_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.job_categories_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.job_categories_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.job_categories_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.job_categories_versions.external_code IS 'Code of the category elsewhere, such as in payroll.';
COMMENT ON COLUMN protime.job_categories_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.job_categories_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.job_categories_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.job_categories_versions.valid_from IS 'When this version was written to protime.job_categories.';
COMMENT ON COLUMN protime.job_categories_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.job_category_histories (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    person_id BIGINT NOT NULL,
    from_date DATE,
    until_date DATE,
    job_category_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_job_category_histories PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_job_category_histories_other_form ON protime.job_category_histories (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_job_category_histories_tenant_person_id ON protime.job_category_histories (tenant, person_id);
COMMENT ON TABLE protime.job_category_histories IS 'Which job category each person had from which day to which.';
COMMENT ON COLUMN protime.job_category_histories.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.job_category_histories.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.job_category_histories.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.job_category_histories.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.job_category_histories.from_date IS 'First day.';
COMMENT ON COLUMN protime.job_category_histories.until_date IS 'Last day; null: open-ended. Whether it is included is not documented.';
COMMENT ON COLUMN protime.job_category_histories.job_category_id IS 'The job category of these days. Refers to id of protime.job_categories.';
COMMENT ON COLUMN protime.job_category_histories.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.job_category_histories.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.job_category_histories.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.job_category_histories.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.job_histories (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    person_id BIGINT NOT NULL,
    from_date DATE,
    until_date DATE,
    job_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_job_histories PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_job_histories_other_form ON protime.job_histories (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_job_histories_tenant_person_id ON protime.job_histories (tenant, person_id);
COMMENT ON TABLE protime.job_histories IS 'Which job each person had from which day to which.';
COMMENT ON COLUMN protime.job_histories.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.job_histories.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.job_histories.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.job_histories.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.job_histories.from_date IS 'First day.';
COMMENT ON COLUMN protime.job_histories.until_date IS 'Last day; null: open-ended. Whether it is included is not documented.';
COMMENT ON COLUMN protime.job_histories.job_id IS 'The job of these days. Refers to id of protime.jobs.';
COMMENT ON COLUMN protime.job_histories.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.job_histories.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.job_histories.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.job_histories.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.jobs (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_jobs PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_jobs_other_form ON protime.jobs (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.jobs IS 'Jobs.';
COMMENT ON COLUMN protime.jobs.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.jobs.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.jobs.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.jobs.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.jobs.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.jobs.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.jobs.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.jobs.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.jobs.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.jobs_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_jobs_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.jobs_versions IS 'What the rows of protime.jobs were before they changed; see the function jobs_as_of.';
COMMENT ON COLUMN protime.jobs_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.jobs_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.jobs_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.jobs_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.jobs_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.jobs_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.jobs_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.jobs_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.jobs_versions.valid_from IS 'When this version was written to protime.jobs.';
COMMENT ON COLUMN protime.jobs_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.paid_presences (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    duration_in_minutes INTEGER,
    shift_definition_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_paid_presences PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_paid_presences_date ON protime.paid_presences (date);
CREATE INDEX ix_paid_presences_other_form ON protime.paid_presences (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_paid_presences_tenant_person_id_date ON protime.paid_presences (tenant, person_id, date);
COMMENT ON TABLE protime.paid_presences IS 'Paid minutes by person, day and shift: a day may have several rows.';
COMMENT ON COLUMN protime.paid_presences.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.paid_presences.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.paid_presences.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.paid_presences.date IS 'Day that the record belongs to.';
COMMENT ON COLUMN protime.paid_presences.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.paid_presences.duration_in_minutes IS 'Paid minutes.';
COMMENT ON COLUMN protime.paid_presences.shift_definition_id IS 'Shift definition that the minutes belong to. Refers to id of protime.shift_definitions.';
COMMENT ON COLUMN protime.paid_presences.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.paid_presences.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.paid_presences.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.paid_presences.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.people (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    last_name TEXT,
    first_name TEXT,
    employee_number TEXT,
    badge_number TEXT,
    in_service_date DATE,
    out_of_service_date DATE,
    period_closing_date DATE,
    pay_group TEXT,
    wtd_start_date DATE,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_people PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_people_other_form ON protime.people (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.people IS 'Identity of the people that clock. Nothing else that the API returns about them is stored.';
COMMENT ON COLUMN protime.people.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.people.id IS 'Protime''s internal id of the person.';
COMMENT ON COLUMN protime.people.change_version IS 'Order of changes, compared as bytes.';
COMMENT ON COLUMN protime.people.last_name IS 'Last name.';
COMMENT ON COLUMN protime.people.first_name IS 'First name.';
COMMENT ON COLUMN protime.people.employee_number IS 'Employee number, the employer''s own key.';
COMMENT ON COLUMN protime.people.badge_number IS 'Badge number now.';
COMMENT ON COLUMN protime.people.in_service_date IS 'First day in service.';
COMMENT ON COLUMN protime.people.out_of_service_date IS 'Last day in service; null while in service.';
COMMENT ON COLUMN protime.people.period_closing_date IS 'Day up to which the person''s calendar is closed.';
COMMENT ON COLUMN protime.people.pay_group IS 'Pay group.';
COMMENT ON COLUMN protime.people.wtd_start_date IS 'First day of the working time directive''s period.';
COMMENT ON COLUMN protime.people.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.people.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.people.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.people.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.people_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    last_name TEXT,
    first_name TEXT,
    employee_number TEXT,
    badge_number TEXT,
    in_service_date DATE,
    out_of_service_date DATE,
    period_closing_date DATE,
    pay_group TEXT,
    wtd_start_date DATE,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_people_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.people_versions IS 'What the rows of protime.people were before they changed; see the function people_as_of.';
COMMENT ON COLUMN protime.people_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.people_versions.id IS 'Protime''s internal id of the person.';
COMMENT ON COLUMN protime.people_versions.change_version IS 'Order of changes, compared as bytes.';
COMMENT ON COLUMN protime.people_versions.last_name IS 'Last name.';
COMMENT ON COLUMN protime.people_versions.first_name IS 'First name.';
COMMENT ON COLUMN protime.people_versions.employee_number IS 'Employee number, the employer''s own key.';
COMMENT ON COLUMN protime.people_versions.badge_number IS 'Badge number now.';
COMMENT ON COLUMN protime.people_versions.in_service_date IS 'First day in service.';
COMMENT ON COLUMN protime.people_versions.out_of_service_date IS 'Last day in service; null while in service.';
COMMENT ON COLUMN protime.people_versions.period_closing_date IS 'Day up to which the person''s calendar is closed.';
COMMENT ON COLUMN protime.people_versions.pay_group IS 'Pay group.';
COMMENT ON COLUMN protime.people_versions.wtd_start_date IS 'First day of the working time directive''s period.';
COMMENT ON COLUMN protime.people_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.people_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.people_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.people_versions.valid_from IS 'When this version was written to protime.people.';
COMMENT ON COLUMN protime.people_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.sector_histories (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    person_id BIGINT NOT NULL,
    from_date DATE,
    until_date DATE,
    sector_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sector_histories PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_sector_histories_other_form ON protime.sector_histories (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_sector_histories_tenant_person_id ON protime.sector_histories (tenant, person_id);
COMMENT ON TABLE protime.sector_histories IS 'Which sector each person had from which day to which.';
COMMENT ON COLUMN protime.sector_histories.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.sector_histories.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.sector_histories.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.sector_histories.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.sector_histories.from_date IS 'First day.';
COMMENT ON COLUMN protime.sector_histories.until_date IS 'Last day; null: open-ended. Whether it is included is not documented.';
COMMENT ON COLUMN protime.sector_histories.sector_id IS 'The sector of these days. Refers to id of protime.sectors.';
COMMENT ON COLUMN protime.sector_histories.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.sector_histories.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.sector_histories.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.sector_histories.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.sectors (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sectors PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_sectors_other_form ON protime.sectors (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.sectors IS 'Sectors.';
COMMENT ON COLUMN protime.sectors.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.sectors.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.sectors.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.sectors.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.sectors.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.sectors.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.sectors.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.sectors.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.sectors.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.sectors_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sectors_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.sectors_versions IS 'What the rows of protime.sectors were before they changed; see the function sectors_as_of.';
COMMENT ON COLUMN protime.sectors_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.sectors_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.sectors_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.sectors_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.sectors_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.sectors_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.sectors_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.sectors_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.sectors_versions.valid_from IS 'When this version was written to protime.sectors.';
COMMENT ON COLUMN protime.sectors_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.shift_definitions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    code TEXT,
    friendly_name TEXT,
    friendly_name_translations JSONB,
    is_enabled BOOLEAN,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_shift_definitions PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_shift_definitions_other_form ON protime.shift_definitions (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.shift_definitions IS 'Shifts; the API does not give their times.';
COMMENT ON COLUMN protime.shift_definitions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.shift_definitions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.shift_definitions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.shift_definitions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.shift_definitions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.shift_definitions.code IS 'Code that the tenant gave it.';
COMMENT ON COLUMN protime.shift_definitions.friendly_name IS 'Name that employees see.';
COMMENT ON COLUMN protime.shift_definitions.friendly_name_translations IS 'Translations of friendly_name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.shift_definitions.is_enabled IS 'Whether it may be used now.';
COMMENT ON COLUMN protime.shift_definitions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.shift_definitions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.shift_definitions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.shift_definitions.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.shift_definitions_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    name TEXT,
    name_translations JSONB,
    code TEXT,
    friendly_name TEXT,
    friendly_name_translations JSONB,
    is_enabled BOOLEAN,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_shift_definitions_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.shift_definitions_versions IS 'What the rows of protime.shift_definitions were before they changed; see the function shift_definitions_as_of.';
COMMENT ON COLUMN protime.shift_definitions_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.shift_definitions_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.shift_definitions_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.shift_definitions_versions.name IS 'Name in the tenant''s own language.';
COMMENT ON COLUMN protime.shift_definitions_versions.name_translations IS 'Translations of name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.shift_definitions_versions.code IS 'Code that the tenant gave it.';
COMMENT ON COLUMN protime.shift_definitions_versions.friendly_name IS 'Name that employees see.';
COMMENT ON COLUMN protime.shift_definitions_versions.friendly_name_translations IS 'Translations of friendly_name, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.shift_definitions_versions.is_enabled IS 'Whether it may be used now.';
COMMENT ON COLUMN protime.shift_definitions_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.shift_definitions_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.shift_definitions_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.shift_definitions_versions.valid_from IS 'When this version was written to protime.shift_definitions.';
COMMENT ON COLUMN protime.shift_definitions_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime.work_interruptions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    date DATE NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    duration_in_minutes INTEGER,
    start_time_in_minutes INTEGER,
    end_time_in_minutes INTEGER,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_work_interruptions PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_work_interruptions_date ON protime.work_interruptions (date);
CREATE INDEX ix_work_interruptions_other_form ON protime.work_interruptions (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_work_interruptions_tenant_person_id_date ON protime.work_interruptions (tenant, person_id, date);
COMMENT ON TABLE protime.work_interruptions IS 'Interruptions of work by person and day.';
COMMENT ON COLUMN protime.work_interruptions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.work_interruptions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.work_interruptions.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.work_interruptions.date IS 'Day that the record belongs to.';
COMMENT ON COLUMN protime.work_interruptions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.work_interruptions.duration_in_minutes IS 'How long it is.';
COMMENT ON COLUMN protime.work_interruptions.start_time_in_minutes IS 'Minute of the day at which it begins.';
COMMENT ON COLUMN protime.work_interruptions.end_time_in_minutes IS 'Minute of the day at which it ends.';
COMMENT ON COLUMN protime.work_interruptions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.work_interruptions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.work_interruptions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.work_interruptions.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.work_location_histories (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    person_id BIGINT NOT NULL,
    from_date DATE,
    until_date DATE,
    work_location_id BIGINT,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_work_location_histories PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_work_location_histories_other_form ON protime.work_location_histories (tenant) WHERE extra ? 'other form';
CREATE INDEX ix_work_location_histories_tenant_person_id ON protime.work_location_histories (tenant, person_id);
COMMENT ON TABLE protime.work_location_histories IS 'Which work location each person had from which day to which.';
COMMENT ON COLUMN protime.work_location_histories.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.work_location_histories.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.work_location_histories.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.work_location_histories.person_id IS 'Protime''s internal id of the person. Refers to id of protime.people.';
COMMENT ON COLUMN protime.work_location_histories.from_date IS 'First day.';
COMMENT ON COLUMN protime.work_location_histories.until_date IS 'Last day; null: open-ended. Whether it is included is not documented.';
COMMENT ON COLUMN protime.work_location_histories.work_location_id IS 'The work location of these days. Refers to id of protime.work_locations.';
COMMENT ON COLUMN protime.work_location_histories.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it no unknown fields.';
COMMENT ON COLUMN protime.work_location_histories.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.work_location_histories.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.work_location_histories.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.work_locations (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    description TEXT,
    description_translations JSONB,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_work_locations PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_work_locations_other_form ON protime.work_locations (tenant) WHERE extra ? 'other form';
COMMENT ON TABLE protime.work_locations IS 'Work locations.';
COMMENT ON COLUMN protime.work_locations.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.work_locations.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.work_locations.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.work_locations.description IS 'Name of the location.';
COMMENT ON COLUMN protime.work_locations.description_translations IS 'Translations of description, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.work_locations.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.work_locations.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.work_locations.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.work_locations.written_at IS 'When this row was last written; an equal row is not written again.';
CREATE TABLE protime.work_locations_versions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    description TEXT,
    description_translations JSONB,
    extra JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by TEXT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_work_locations_versions PRIMARY KEY (tenant, id, valid_from)
);
COMMENT ON TABLE protime.work_locations_versions IS 'What the rows of protime.work_locations were before they changed; see the function work_locations_as_of.';
COMMENT ON COLUMN protime.work_locations_versions.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.work_locations_versions.id IS 'Protime''s unique id of the record.';
COMMENT ON COLUMN protime.work_locations_versions.change_version IS 'Order of changes, compared as bytes; an older one never overwrites a newer.';
COMMENT ON COLUMN protime.work_locations_versions.description IS 'Name of the location.';
COMMENT ON COLUMN protime.work_locations_versions.description_translations IS 'Translations of description, by language tag such as nl-NL.';
COMMENT ON COLUMN protime.work_locations_versions.extra IS 'Under ''other form'' documented fields that could not be read, as they came; beside it fields that the documentation does not know.';
COMMENT ON COLUMN protime.work_locations_versions.deleted_at IS 'When it was learnt that the record is deleted in Protime; null while it is not.';
COMMENT ON COLUMN protime.work_locations_versions.deleted_by IS 'How that was learnt: status (Protime says Deleted), vanished (a complete pull lacks it), delta.';
COMMENT ON COLUMN protime.work_locations_versions.valid_from IS 'When this version was written to protime.work_locations.';
COMMENT ON COLUMN protime.work_locations_versions.valid_to IS 'When another version replaced it; no longer valid from then on.';
CREATE TABLE protime_etl.acts (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    what TEXT NOT NULL,
    noted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_acts PRIMARY KEY (tenant)
);
COMMENT ON TABLE protime_etl.acts IS 'The last act on all that was held of a tenant, such as forget: a command that began before it ends.';
COMMENT ON COLUMN protime_etl.acts.tenant IS 'Tenant.';
COMMENT ON COLUMN protime_etl.acts.number IS 'Increases with each act.';
COMMENT ON COLUMN protime_etl.acts.what IS 'What the last one did to the tenant, in words.';
COMMENT ON COLUMN protime_etl.acts.noted_at IS 'When that was noted.';
CREATE TABLE protime_etl.collection_state (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    page_size INTEGER,
    read_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_collection_state PRIMARY KEY (tenant, collection)
);
COMMENT ON TABLE protime_etl.collection_state IS 'What is known of each collection of a tenant.';
COMMENT ON COLUMN protime_etl.collection_state.tenant IS 'Tenant that is read.';
COMMENT ON COLUMN protime_etl.collection_state.collection IS 'Collection that is read.';
COMMENT ON COLUMN protime_etl.collection_state.page_size IS 'The most records that ever came in one answer; null before the first.';
COMMENT ON COLUMN protime_etl.collection_state.read_at IS 'When it was last read whole; null if it never was, or is read by days.';
CREATE TABLE protime_etl.coverage (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    person_id BIGINT NOT NULL,
    dates DATEMULTIRANGE NOT NULL,
    proven DATEMULTIRANGE DEFAULT '{}' NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE,
    ahead DATEMULTIRANGE DEFAULT '{}' NOT NULL,
    ahead_at TIMESTAMP WITH TIME ZONE,
    ahead_before DATEMULTIRANGE DEFAULT '{}' NOT NULL,
    ahead_before_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_coverage PRIMARY KEY (tenant, collection, person_id)
);
COMMENT ON TABLE protime_etl.coverage IS 'The book: which days of which person were completely read, and which are proven equal to the tenant.';
COMMENT ON COLUMN protime_etl.coverage.tenant IS 'Tenant that was read.';
COMMENT ON COLUMN protime_etl.coverage.collection IS 'Collection that was read.';
COMMENT ON COLUMN protime_etl.coverage.person_id IS 'Protime''s internal id of the person; -1: all people where the collection is read by days, and otherwise people who have no row yet.';
COMMENT ON COLUMN protime_etl.coverage.dates IS 'Days that were completely read after they were over.';
COMMENT ON COLUMN protime_etl.coverage.proven IS 'Days of which the last complete reading found nothing to change, and that were not written since.';
COMMENT ON COLUMN protime_etl.coverage.read_at IS 'When dates last grew or were read again.';
COMMENT ON COLUMN protime_etl.coverage.written_at IS 'When a record of the person was last written: a comparison that began before proves nothing.';
COMMENT ON COLUMN protime_etl.coverage.ahead IS 'Days that were not over when they were read, of a collection that holds plans: as of ahead_at.';
COMMENT ON COLUMN protime_etl.coverage.ahead_at IS 'When the first of these was read.';
COMMENT ON COLUMN protime_etl.coverage.ahead_before IS 'The same of the readings before these, as of ahead_before_at.';
COMMENT ON COLUMN protime_etl.coverage.ahead_before_at IS 'When the first of those was read.';
CREATE TABLE protime_etl.delta_polls (
    poll_id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    initial BOOLEAN NOT NULL,
    withheld BOOLEAN NOT NULL,
    error TEXT,
    requests BIGINT DEFAULT 0 NOT NULL,
    rows_read BIGINT DEFAULT 0 NOT NULL,
    inserted BIGINT DEFAULT 0 NOT NULL,
    updated BIGINT DEFAULT 0 NOT NULL,
    deleted BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_delta_polls PRIMARY KEY (poll_id)
);
CREATE INDEX ix_delta_polls_tenant_collection_finished_at ON protime_etl.delta_polls (tenant, collection, finished_at);
COMMENT ON TABLE protime_etl.delta_polls IS 'Polls of the deltas of the last year.';
COMMENT ON COLUMN protime_etl.delta_polls.poll_id IS 'Number of the poll.';
COMMENT ON COLUMN protime_etl.delta_polls.tenant IS 'Tenant that was polled.';
COMMENT ON COLUMN protime_etl.delta_polls.collection IS 'Collection of the delta.';
COMMENT ON COLUMN protime_etl.delta_polls.finished_at IS 'When it ended.';
COMMENT ON COLUMN protime_etl.delta_polls.seconds IS 'How long it took, waits included.';
COMMENT ON COLUMN protime_etl.delta_polls.initial IS 'Whether it loaded everything.';
COMMENT ON COLUMN protime_etl.delta_polls.withheld IS 'Whether too many deletions at once were held back.';
COMMENT ON COLUMN protime_etl.delta_polls.error IS 'What went wrong, in one line; null when it was good.';
COMMENT ON COLUMN protime_etl.delta_polls.requests IS 'API requests sent.';
COMMENT ON COLUMN protime_etl.delta_polls.rows_read IS 'Records reported.';
COMMENT ON COLUMN protime_etl.delta_polls.inserted IS 'Rows that are new.';
COMMENT ON COLUMN protime_etl.delta_polls.updated IS 'Rows that changed.';
COMMENT ON COLUMN protime_etl.delta_polls.deleted IS 'Rows that are deleted now and were not before.';
CREATE TABLE protime_etl.delta_seen (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    id BIGINT NOT NULL,
    CONSTRAINT pk_delta_seen PRIMARY KEY (tenant, collection, id)
);
COMMENT ON TABLE protime_etl.delta_seen IS 'During an initial load: rows that it has met. Those it never meets were deleted; empty otherwise.';
COMMENT ON COLUMN protime_etl.delta_seen.tenant IS 'Tenant that is read.';
COMMENT ON COLUMN protime_etl.delta_seen.collection IS 'Collection that is loaded.';
COMMENT ON COLUMN protime_etl.delta_seen.id IS 'Id of a record that came and left its row as it was.';
CREATE TABLE protime_etl.delta_unconfirmed (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    reason TEXT NOT NULL,
    withheld BOOLEAN DEFAULT false NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_delta_unconfirmed PRIMARY KEY (tenant, collection, id),
    CONSTRAINT ck_delta_unconfirmed_reason CHECK (reason IN ('delta', 'vanished', 'doubtful', 'older'))
);
COMMENT ON TABLE protime_etl.delta_unconfirmed IS 'Records to be confirmed by a request for their ids before anything is written; empty after most polls.';
COMMENT ON COLUMN protime_etl.delta_unconfirmed.tenant IS 'Tenant that is read.';
COMMENT ON COLUMN protime_etl.delta_unconfirmed.collection IS 'Collection of the record.';
COMMENT ON COLUMN protime_etl.delta_unconfirmed.id IS 'Id of the record, to be requested.';
COMMENT ON COLUMN protime_etl.delta_unconfirmed.change_version IS 'Of the deletion that the delta reported, or of the record that came; empty: no version.';
COMMENT ON COLUMN protime_etl.delta_unconfirmed.reason IS 'delta (reported as deleted), vanished (a load never met it), doubtful (it came, and may be gone) or older (it came with an older version than is stored).';
COMMENT ON COLUMN protime_etl.delta_unconfirmed.withheld IS 'Too many at once: not deleted before that is accepted.';
COMMENT ON COLUMN protime_etl.delta_unconfirmed.found_at IS 'When it was entered.';
CREATE TABLE protime_etl.deltas (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    status TEXT NOT NULL,
    date_from DATE NOT NULL,
    link TEXT,
    previous_link TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE,
    changed_at TIMESTAMP WITH TIME ZONE,
    initial_rows BIGINT DEFAULT 0 NOT NULL,
    unreadable INTEGER DEFAULT 0 NOT NULL,
    error TEXT,
    failures INTEGER DEFAULT 0 NOT NULL,
    outages INTEGER DEFAULT 0 NOT NULL,
    loads INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_deltas PRIMARY KEY (tenant, collection),
    CONSTRAINT ck_deltas_status CHECK (status IN ('loading', 'active', 'expired', 'conflicted', 'broken'))
);
COMMENT ON TABLE protime_etl.deltas IS 'How far each delta has been read; the link moves in the transaction that stores what it brought.';
COMMENT ON COLUMN protime_etl.deltas.tenant IS 'Tenant that is read.';
COMMENT ON COLUMN protime_etl.deltas.collection IS 'Collection, of which one delta at most is alive.';
COMMENT ON COLUMN protime_etl.deltas.status IS 'loading, active, expired (410), conflicted (409) or broken.';
COMMENT ON COLUMN protime_etl.deltas.date_from IS 'First day that the delta covers.';
COMMENT ON COLUMN protime_etl.deltas.link IS 'Where to resume: the next page of the initial load, or the deltaLink.';
COMMENT ON COLUMN protime_etl.deltas.previous_link IS 'The link before it, to inspect when something is wrong.';
COMMENT ON COLUMN protime_etl.deltas.started_at IS 'When its initial load began.';
COMMENT ON COLUMN protime_etl.deltas.requested_at IS 'Last good request; 72 hours later the delta expires.';
COMMENT ON COLUMN protime_etl.deltas.changed_at IS 'Last request that brought a change.';
COMMENT ON COLUMN protime_etl.deltas.initial_rows IS 'Records of the load.';
COMMENT ON COLUMN protime_etl.deltas.unreadable IS 'Records of it without an id.';
COMMENT ON COLUMN protime_etl.deltas.error IS 'What went wrong last, in one line; null when the last poll was good.';
COMMENT ON COLUMN protime_etl.deltas.failures IS 'Polls in a row whose answer could not be used; after a few the delta is broken.';
COMMENT ON COLUMN protime_etl.deltas.outages IS 'Polls in a row without an answer; after many, while other requests get one, the delta is broken.';
COMMENT ON COLUMN protime_etl.deltas.loads IS 'Initial loads begun since it was last active; after a few the next one waits for a day.';
CREATE TABLE protime_etl.drift_candidates (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    action TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_drift_candidates PRIMARY KEY (tenant, collection, id)
);
COMMENT ON TABLE protime_etl.drift_candidates IS 'What pulls repaired; removed when the delta brings it too. The view protime.drift shows what is left.';
COMMENT ON COLUMN protime_etl.drift_candidates.tenant IS 'Tenant that was read.';
COMMENT ON COLUMN protime_etl.drift_candidates.collection IS 'Collection of the record.';
COMMENT ON COLUMN protime_etl.drift_candidates.id IS 'Id of a record that a pull had to write although a delta is active.';
COMMENT ON COLUMN protime_etl.drift_candidates.change_version IS 'Version that the pull left.';
COMMENT ON COLUMN protime_etl.drift_candidates.action IS 'inserted, updated or deleted.';
COMMENT ON COLUMN protime_etl.drift_candidates.found_at IS 'When the pull wrote it.';
CREATE TABLE protime_etl.pauses (
    tenant TEXT NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    next_slot TIMESTAMP WITH TIME ZONE,
    asked_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_pauses PRIMARY KEY (tenant)
);
COMMENT ON TABLE protime_etl.pauses IS 'Retry-After and the budget of requests, shared by all processes.';
COMMENT ON COLUMN protime_etl.pauses.tenant IS 'Tenant that asked to wait.';
COMMENT ON COLUMN protime_etl.pauses.until IS 'No request is sent before then, by this database''s clock.';
COMMENT ON COLUMN protime_etl.pauses.next_slot IS 'When the next request may be sent, if there is a budget of requests.';
COMMENT ON COLUMN protime_etl.pauses.asked_until IS 'Until when the API asked us to wait: later than until, where that was cut.';
CREATE TABLE protime_etl.promises (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    by_people BOOLEAN NOT NULL,
    dates DATEMULTIRANGE NOT NULL,
    follows_from DATE,
    planned_days INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_promises PRIMARY KEY (tenant, collection)
);
COMMENT ON TABLE protime_etl.promises IS 'What is read, and which days of it were requested for all people; days that are not read are missing.';
COMMENT ON COLUMN protime_etl.promises.tenant IS 'Tenant.';
COMMENT ON COLUMN protime_etl.promises.collection IS 'Collection.';
COMMENT ON COLUMN protime_etl.promises.by_people IS 'Whether it is read by people, or by days for all people.';
COMMENT ON COLUMN protime_etl.promises.dates IS 'Days that runs for all people requested.';
COMMENT ON COLUMN protime_etl.promises.follows_from IS 'From this day on each day that ends is due, too; null: no run was for all.';
COMMENT ON COLUMN protime_etl.promises.planned_days IS 'How many days from today on are due, too, of a collection that holds plans; each night again.';
CREATE TABLE protime_etl.proof_days (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    date DATE NOT NULL,
    proven_at TIMESTAMP WITH TIME ZONE,
    rest_at TIMESTAMP WITH TIME ZONE,
    part_since TIMESTAMP WITH TIME ZONE,
    part_until BIGINT,
    differences BIGINT DEFAULT 0 NOT NULL,
    last_found_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_proof_days PRIMARY KEY (tenant, collection, date)
);
COMMENT ON TABLE protime_etl.proof_days IS 'The book, by day: when all of it was last compared, and what ever differed.';
COMMENT ON COLUMN protime_etl.proof_days.tenant IS 'Tenant that was compared.';
COMMENT ON COLUMN protime_etl.proof_days.collection IS 'Collection that was compared.';
COMMENT ON COLUMN protime_etl.proof_days.date IS 'Day.';
COMMENT ON COLUMN protime_etl.proof_days.proven_at IS 'When the last reading of all people''s records of the day began.';
COMMENT ON COLUMN protime_etl.proof_days.rest_at IS 'When the records that were not equal then were last compared again.';
COMMENT ON COLUMN protime_etl.proof_days.part_since IS 'When a comparison in parts began that is not complete; null: no comparison in parts.';
COMMENT ON COLUMN protime_etl.proof_days.part_until IS 'Last person of it that was compared.';
COMMENT ON COLUMN protime_etl.proof_days.differences IS 'Records that differed, in all comparisons together.';
COMMENT ON COLUMN protime_etl.proof_days.last_found_at IS 'When the last of them was found.';
CREATE TABLE protime_etl.rejected_record (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    record_id BIGINT,
    person_id BIGINT,
    date DATE,
    reason TEXT NOT NULL,
    record TEXT NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_rejected_record PRIMARY KEY (tenant, collection, fingerprint)
);
COMMENT ON TABLE protime_etl.rejected_record IS 'Records that could not be understood, kept so that nothing is lost.';
COMMENT ON COLUMN protime_etl.rejected_record.tenant IS 'Tenant that sent it.';
COMMENT ON COLUMN protime_etl.rejected_record.collection IS 'Collection that it came in.';
COMMENT ON COLUMN protime_etl.rejected_record.fingerprint IS 'SHA-256 of the record, so that one that comes again is counted, not repeated.';
COMMENT ON COLUMN protime_etl.rejected_record.record_id IS 'Its id, when at least that could be read.';
COMMENT ON COLUMN protime_etl.rejected_record.person_id IS 'Its person, when that could be read.';
COMMENT ON COLUMN protime_etl.rejected_record.date IS 'Its day, when that could be read.';
COMMENT ON COLUMN protime_etl.rejected_record.reason IS 'Why it could not be stored.';
COMMENT ON COLUMN protime_etl.rejected_record.record IS 'The record as JSON; of people only the fields stored anyway.';
COMMENT ON COLUMN protime_etl.rejected_record.first_seen_at IS 'When it first came.';
COMMENT ON COLUMN protime_etl.rejected_record.last_seen_at IS 'When it last came.';
CREATE TABLE protime_etl.runs (
    run_id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    started_by TEXT NOT NULL,
    dag_id TEXT,
    dag_run_id TEXT,
    collections TEXT[] DEFAULT '{clockings}' NOT NULL,
    date_from DATE NOT NULL,
    date_to DATE NOT NULL,
    person_ids BIGINT[],
    circles BIGINT[],
    only_missing BOOLEAN DEFAULT false NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    status TEXT DEFAULT 'running' NOT NULL,
    error TEXT,
    CONSTRAINT pk_runs PRIMARY KEY (run_id),
    CONSTRAINT ck_runs_status CHECK (status IN ('running', 'done', 'failed')),
    CONSTRAINT ck_runs_dates CHECK (date_from <= date_to),
    CONSTRAINT ck_runs_started_by CHECK (started_by = CASE WHEN dag_id IS NULL THEN 'cli' ELSE 'airflow' END)
);
COMMENT ON TABLE protime_etl.runs IS 'Ledger: each requested run.';
COMMENT ON COLUMN protime_etl.runs.run_id IS 'Number of the run.';
COMMENT ON COLUMN protime_etl.runs.tenant IS 'Tenant that was read.';
COMMENT ON COLUMN protime_etl.runs.kind IS 'What it is for: sync, backfill, nightly, verify, proof, repair, unlisted.';
COMMENT ON COLUMN protime_etl.runs.started_by IS 'cli or airflow.';
COMMENT ON COLUMN protime_etl.runs.dag_id IS 'DAG of Airflow that started it; null: the command line.';
COMMENT ON COLUMN protime_etl.runs.dag_run_id IS 'Run of the DAG.';
COMMENT ON COLUMN protime_etl.runs.collections IS 'Collections requested.';
COMMENT ON COLUMN protime_etl.runs.date_from IS 'First day requested.';
COMMENT ON COLUMN protime_etl.runs.date_to IS 'Last day requested.';
COMMENT ON COLUMN protime_etl.runs.person_ids IS 'People requested; null: all that were known.';
COMMENT ON COLUMN protime_etl.runs.circles IS 'Circles requested instead of people; null: none.';
COMMENT ON COLUMN protime_etl.runs.only_missing IS 'Only what had not been covered was requested.';
COMMENT ON COLUMN protime_etl.runs.started_at IS 'When it was planned.';
COMMENT ON COLUMN protime_etl.runs.finished_at IS 'When its last unit was done or gave up; null before.';
COMMENT ON COLUMN protime_etl.runs.status IS 'running, done or failed.';
COMMENT ON COLUMN protime_etl.runs.error IS 'What went wrong, in one line.';
CREATE TABLE protime_etl.tenants (
    tenant TEXT NOT NULL,
    timezone TEXT NOT NULL,
    environment TEXT,
    api_host TEXT,
    CONSTRAINT pk_tenants PRIMARY KEY (tenant),
    CONSTRAINT ck_tenants_timezone CHECK (timezone ~ '^([A-Za-z_]+/[A-Za-z0-9_/+-]+|UTC)$' AND (timestamptz 'epoch' AT TIME ZONE timezone) IS NOT NULL)
);
COMMENT ON TABLE protime_etl.tenants IS 'Tenants that were read, with what SQL needs to know about each.';
COMMENT ON COLUMN protime_etl.tenants.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime_etl.tenants.timezone IS 'IANA time zone in which the tenant''s minutes are read.';
COMMENT ON COLUMN protime_etl.tenants.environment IS 'production or sandbox, where its rows come from; null: set by the next read.';
COMMENT ON COLUMN protime_etl.tenants.api_host IS 'Host of the API that its rows come from; null: set by the next read.';
CREATE TABLE protime_etl.tokens (
    client TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    lifetime DOUBLE PRECISION NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (client)
);
COMMENT ON TABLE protime_etl.tokens IS 'The access token that all processes share.';
COMMENT ON COLUMN protime_etl.tokens.client IS 'SHA-256 of token endpoint, client id and scopes.';
COMMENT ON COLUMN protime_etl.tokens.sealed IS 'Token, encrypted with a key derived from the client secret.';
COMMENT ON COLUMN protime_etl.tokens.lifetime IS 'Seconds that the token endpoint gave it.';
COMMENT ON COLUMN protime_etl.tokens.expires_at IS 'When it expires, by this database''s clock.';
CREATE TABLE protime_etl.tombstones (
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    id BIGINT NOT NULL,
    change_version TEXT COLLATE "C" NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tombstones PRIMARY KEY (tenant, collection, id)
);
COMMENT ON TABLE protime_etl.tombstones IS 'Deleted records that have no row: a late reader may still bring them.';
COMMENT ON COLUMN protime_etl.tombstones.tenant IS 'Tenant that reported the deletion.';
COMMENT ON COLUMN protime_etl.tombstones.collection IS 'Collection of the record.';
COMMENT ON COLUMN protime_etl.tombstones.id IS 'Id of a record that was deleted before the table ever had it.';
COMMENT ON COLUMN protime_etl.tombstones.change_version IS 'Of the deletion: what is not newer stays out.';
COMMENT ON COLUMN protime_etl.tombstones.deleted_at IS 'When that was learnt.';
CREATE TABLE protime_etl.verifications (
    verification_id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    kind TEXT NOT NULL,
    started_by TEXT NOT NULL,
    dag_id TEXT,
    dag_run_id TEXT,
    date_from DATE,
    date_to DATE,
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    requests BIGINT DEFAULT 0 NOT NULL,
    units BIGINT DEFAULT 0 NOT NULL,
    equal BIGINT DEFAULT 0 NOT NULL,
    missing BIGINT DEFAULT 0 NOT NULL,
    extra BIGINT DEFAULT 0 NOT NULL,
    stale BIGINT DEFAULT 0 NOT NULL,
    moving BIGINT DEFAULT 0 NOT NULL,
    older BIGINT DEFAULT 0 NOT NULL,
    pending BIGINT DEFAULT 0 NOT NULL,
    rejected BIGINT DEFAULT 0 NOT NULL,
    unlisted BIGINT DEFAULT 0 NOT NULL,
    unreadable BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_verifications PRIMARY KEY (verification_id)
);
CREATE INDEX ix_verifications_tenant_collection_finished_at ON protime_etl.verifications (tenant, collection, finished_at);
COMMENT ON TABLE protime_etl.verifications IS 'Comparisons of table and tenant of the last year.';
COMMENT ON COLUMN protime_etl.verifications.verification_id IS 'Number of the comparison.';
COMMENT ON COLUMN protime_etl.verifications.tenant IS 'Tenant that was compared.';
COMMENT ON COLUMN protime_etl.verifications.collection IS 'Collection that was compared.';
COMMENT ON COLUMN protime_etl.verifications.kind IS 'What it is for: sync, backfill, nightly, verify, proof, repair, unlisted.';
COMMENT ON COLUMN protime_etl.verifications.started_by IS 'cli or airflow.';
COMMENT ON COLUMN protime_etl.verifications.dag_id IS 'DAG of Airflow that started it; null: the command line.';
COMMENT ON COLUMN protime_etl.verifications.dag_run_id IS 'Run of the DAG.';
COMMENT ON COLUMN protime_etl.verifications.date_from IS 'First day; null for a collection without days.';
COMMENT ON COLUMN protime_etl.verifications.date_to IS 'Last day; null for a collection without days.';
COMMENT ON COLUMN protime_etl.verifications.finished_at IS 'When it ended.';
COMMENT ON COLUMN protime_etl.verifications.requests IS 'API requests sent.';
COMMENT ON COLUMN protime_etl.verifications.units IS 'Slices that were compared.';
COMMENT ON COLUMN protime_etl.verifications.equal IS 'Records that were equal.';
COMMENT ON COLUMN protime_etl.verifications.missing IS 'Records that the tenant has and the table had not.';
COMMENT ON COLUMN protime_etl.verifications.extra IS 'Records that the table had and the tenant has not.';
COMMENT ON COLUMN protime_etl.verifications.stale IS 'Records that both have, with another content.';
COMMENT ON COLUMN protime_etl.verifications.moving IS 'Records that changed while they were compared.';
COMMENT ON COLUMN protime_etl.verifications.older IS 'Of missing and stale, those that the tenant has in an older version than was stored.';
COMMENT ON COLUMN protime_etl.verifications.pending IS 'Of missing, extra and stale, those newer than the last reading.';
COMMENT ON COLUMN protime_etl.verifications.rejected IS 'Records that could not be understood.';
COMMENT ON COLUMN protime_etl.verifications.unlisted IS 'People with records whom no list names.';
COMMENT ON COLUMN protime_etl.verifications.unreadable IS 'Persons and days for which the API returned an error.';
CREATE TABLE protime_etl.views (
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    CONSTRAINT pk_views PRIMARY KEY (name)
);
COMMENT ON TABLE protime_etl.views IS 'Which version of each view and function is in place.';
COMMENT ON COLUMN protime_etl.views.name IS 'Name of the view or function, with its schema.';
COMMENT ON COLUMN protime_etl.views.sha256 IS 'SHA-256 of the file that it was last made from.';
CREATE TABLE protime_etl.written_days (
    note_id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant TEXT NOT NULL,
    by_delta BOOLEAN NOT NULL,
    days DATE[] NOT NULL,
    all_days BOOLEAN NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_written_days PRIMARY KEY (note_id)
);
CREATE INDEX ix_written_days_tenant ON protime_etl.written_days (tenant);
COMMENT ON TABLE protime_etl.written_days IS 'On which days something was written in the last year, for the events of assets.';
COMMENT ON COLUMN protime_etl.written_days.note_id IS 'Number of the note.';
COMMENT ON COLUMN protime_etl.written_days.tenant IS 'Tenant of the rows.';
COMMENT ON COLUMN protime_etl.written_days.by_delta IS 'Whether the delta brought them.';
COMMENT ON COLUMN protime_etl.written_days.days IS 'Days on which something was written.';
COMMENT ON COLUMN protime_etl.written_days.all_days IS 'Whether these are all.';
COMMENT ON COLUMN protime_etl.written_days.written_at IS 'When it was written.';
CREATE TABLE protime_etl.wrong (
    wrong_id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant TEXT NOT NULL,
    collection TEXT NOT NULL,
    people INT8MULTIRANGE NOT NULL,
    dates DATEMULTIRANGE NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    why TEXT NOT NULL,
    run_id BIGINT,
    CONSTRAINT pk_wrong PRIMARY KEY (wrong_id),
    CONSTRAINT ck_wrong_kind CHECK (kind IN ('failed', 'unreadable', 'withheld', 'differs', 'older'))
);
CREATE INDEX ix_wrong_tenant_collection ON protime_etl.wrong (tenant, collection);
COMMENT ON TABLE protime_etl.wrong IS 'The book: days of people that are known not to be as the tenant has them, until a complete reading or a comparison finds them right.';
COMMENT ON COLUMN protime_etl.wrong.wrong_id IS 'Number of the entry.';
COMMENT ON COLUMN protime_etl.wrong.tenant IS 'Tenant.';
COMMENT ON COLUMN protime_etl.wrong.collection IS 'Collection.';
COMMENT ON COLUMN protime_etl.wrong.people IS 'Whose days; (,) is all people.';
COMMENT ON COLUMN protime_etl.wrong.dates IS 'Days; (,) is a list that is read whole.';
COMMENT ON COLUMN protime_etl.wrong.since IS 'When that was found.';
COMMENT ON COLUMN protime_etl.wrong.kind IS 'failed (a reading failed), unreadable (the API cannot answer), withheld (too many deletions), differs (a comparison differed and nothing was repaired) or older (the tenant has older versions than were stored).';
COMMENT ON COLUMN protime_etl.wrong.why IS 'The reason, in one line.';
COMMENT ON COLUMN protime_etl.wrong.run_id IS 'Run that failed; null: a comparison or a list.';
CREATE TABLE protime_etl.reported_days (
    note_id BIGINT NOT NULL,
    asset TEXT NOT NULL,
    task TEXT NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_reported_days PRIMARY KEY (note_id, asset),
    CONSTRAINT fk_reported_days_note_id FOREIGN KEY(note_id) REFERENCES protime_etl.written_days (note_id) ON DELETE CASCADE
);
CREATE INDEX ix_reported_days_asset_task ON protime_etl.reported_days (asset, task);
COMMENT ON TABLE protime_etl.reported_days IS 'Which asset''s event has reported what was written.';
COMMENT ON COLUMN protime_etl.reported_days.note_id IS 'Note that is reported.';
COMMENT ON COLUMN protime_etl.reported_days.asset IS 'Name of the asset whose event reports it.';
COMMENT ON COLUMN protime_etl.reported_days.task IS 'Task that sends the event; a further try of it reports the same.';
COMMENT ON COLUMN protime_etl.reported_days.reported_at IS 'When the task took it.';
CREATE TABLE protime_etl.units (
    unit_id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id BIGINT NOT NULL,
    collection TEXT DEFAULT 'clockings' NOT NULL,
    date_from DATE NOT NULL,
    date_to DATE NOT NULL,
    person_ids BIGINT[] NOT NULL,
    circles BIGINT[],
    seconds DOUBLE PRECISION,
    status TEXT DEFAULT 'planned' NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    requests BIGINT DEFAULT 0 NOT NULL,
    rows_read BIGINT DEFAULT 0 NOT NULL,
    inserted BIGINT DEFAULT 0 NOT NULL,
    updated BIGINT DEFAULT 0 NOT NULL,
    deleted BIGINT DEFAULT 0 NOT NULL,
    unchanged BIGINT DEFAULT 0 NOT NULL,
    rejected BIGINT DEFAULT 0 NOT NULL,
    vanished BIGINT DEFAULT 0 NOT NULL,
    part_of BIGINT,
    CONSTRAINT pk_units PRIMARY KEY (unit_id),
    CONSTRAINT ck_units_status CHECK (status IN ('planned', 'done', 'failed', 'cut')),
    CONSTRAINT fk_units_run_id FOREIGN KEY(run_id) REFERENCES protime_etl.runs (run_id) ON DELETE CASCADE,
    CONSTRAINT fk_units_part_of FOREIGN KEY(part_of) REFERENCES protime_etl.units (unit_id) ON DELETE CASCADE
);
CREATE INDEX ix_units_finished_at ON protime_etl.units (finished_at);
CREATE INDEX ix_units_part_of ON protime_etl.units (part_of);
CREATE INDEX ix_units_run_id ON protime_etl.units (run_id);
COMMENT ON TABLE protime_etl.units IS 'Ledger: units of work, each people x dates, committed whole or not at all.';
COMMENT ON COLUMN protime_etl.units.unit_id IS 'Number of the unit.';
COMMENT ON COLUMN protime_etl.units.run_id IS 'Run that it belongs to.';
COMMENT ON COLUMN protime_etl.units.collection IS 'Collection that it is read from.';
COMMENT ON COLUMN protime_etl.units.date_from IS 'First day of the window.';
COMMENT ON COLUMN protime_etl.units.date_to IS 'Last day of the window, at most a year later.';
COMMENT ON COLUMN protime_etl.units.person_ids IS 'The batch: people that one URI names.';
COMMENT ON COLUMN protime_etl.units.circles IS 'Circles that the URI names instead; who is in them is not known, so nothing is covered.';
COMMENT ON COLUMN protime_etl.units.seconds IS 'How long it took, waits included.';
COMMENT ON COLUMN protime_etl.units.status IS 'planned, done, failed, or cut: it could not be read whole, and its parts are read instead.';
COMMENT ON COLUMN protime_etl.units.finished_at IS 'When it was committed or gave up.';
COMMENT ON COLUMN protime_etl.units.error IS 'What went wrong, in one line; of one that was cut, why.';
COMMENT ON COLUMN protime_etl.units.requests IS 'API requests sent, repeated ones included.';
COMMENT ON COLUMN protime_etl.units.rows_read IS 'Records read.';
COMMENT ON COLUMN protime_etl.units.inserted IS 'Rows that are new.';
COMMENT ON COLUMN protime_etl.units.updated IS 'Rows that changed.';
COMMENT ON COLUMN protime_etl.units.deleted IS 'Rows that are deleted now and were not before.';
COMMENT ON COLUMN protime_etl.units.unchanged IS 'Records that were equal to their row or older.';
COMMENT ON COLUMN protime_etl.units.rejected IS 'Records that could not be understood; see rejected_record.';
COMMENT ON COLUMN protime_etl.units.vanished IS 'Of those deleted, rows that a complete reading lacked.';
COMMENT ON COLUMN protime_etl.units.part_of IS 'The unit that was planned, if this is a part of one that was cut.';
ALTER TABLE protime_etl.coverage SET (fillfactor = 50);
