CREATE TABLE audit (
    id BIGSERIAL NOT NULL,
    at_ns BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);

CREATE INDEX ix_audit_at ON audit (at_ns);

CREATE INDEX ix_audit_target ON audit (target, at_ns);

CREATE TABLE blobs (
    digest TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    doomed_ns BIGINT,
    CONSTRAINT pk_blobs PRIMARY KEY (digest)
);

CREATE TABLE changes (
    name TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    CONSTRAINT pk_changes PRIMARY KEY (name)
);

CREATE TABLE claims (
    digest TEXT COLLATE "C" NOT NULL,
    upload TEXT COLLATE "C" NOT NULL,
    claimed_ns BIGINT NOT NULL,
    CONSTRAINT pk_claims PRIMARY KEY (digest, upload)
);

CREATE TABLE failures (
    who TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    last_ns BIGINT NOT NULL,
    CONSTRAINT pk_failures PRIMARY KEY (who)
);

CREATE TABLE namespaces (
    id BIGSERIAL NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    display_name TEXT COLLATE "C" DEFAULT '' NOT NULL,
    description TEXT COLLATE "C" DEFAULT '' NOT NULL,
    created_ns BIGINT NOT NULL,
    limit_bytes BIGINT,
    used_bytes BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_namespaces PRIMARY KEY (id),
    CONSTRAINT ck_namespaces_kind CHECK (kind IN ('user', 'organisation')),
    CONSTRAINT uq_namespaces_name UNIQUE (name)
);

CREATE TABLE replications (
    id BIGSERIAL NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    username TEXT COLLATE "C" DEFAULT '' NOT NULL,
    secret BYTEA,
    source_prefix TEXT COLLATE "C" DEFAULT '' NOT NULL,
    target_prefix TEXT COLLATE "C" DEFAULT '' NOT NULL,
    repositories TEXT COLLATE "C" NOT NULL,
    tags TEXT COLLATE "C" NOT NULL,
    newest BIGINT DEFAULT '0' NOT NULL,
    on_event BOOLEAN DEFAULT false NOT NULL,
    every_seconds BIGINT DEFAULT '0' NOT NULL,
    deletes BOOLEAN DEFAULT false NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_ns BIGINT NOT NULL,
    due_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_replications PRIMARY KEY (id),
    CONSTRAINT uq_replications_name UNIQUE (name)
);

CREATE TABLE signing_keys (
    id TEXT COLLATE "C" NOT NULL,
    algorithm TEXT COLLATE "C" NOT NULL,
    private BYTEA,
    public BYTEA NOT NULL,
    created_ns BIGINT NOT NULL,
    retired_ns BIGINT,
    CONSTRAINT pk_signing_keys PRIMARY KEY (id)
);

CREATE TABLE spellings (
    spelling TEXT COLLATE "C" NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_spellings PRIMARY KEY (spelling, word)
);

CREATE INDEX ix_spellings_word ON spellings (word);

CREATE TABLE turns (
    name TEXT COLLATE "C" NOT NULL,
    next_ns BIGINT NOT NULL,
    CONSTRAINT pk_turns PRIMARY KEY (name)
);

CREATE TABLE replicated (
    id BIGSERIAL NOT NULL,
    rule BIGINT NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_replicated PRIMARY KEY (id),
    CONSTRAINT uq_replicated_rule_repository_tag UNIQUE (rule, repository, tag),
    CONSTRAINT fk_replicated_rule FOREIGN KEY(rule) REFERENCES replications (id) ON DELETE CASCADE
);

CREATE TABLE replication_runs (
    id BIGSERIAL NOT NULL,
    rule BIGINT NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" DEFAULT '' NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    made_ns BIGINT NOT NULL,
    due_ns BIGINT NOT NULL,
    began_ns BIGINT DEFAULT '0' NOT NULL,
    ended_ns BIGINT DEFAULT '0' NOT NULL,
    beat_ns BIGINT DEFAULT '0' NOT NULL,
    holder TEXT COLLATE "C" DEFAULT '' NOT NULL,
    attempts BIGINT DEFAULT '0' NOT NULL,
    copied BIGINT DEFAULT '0' NOT NULL,
    same BIGINT DEFAULT '0' NOT NULL,
    deleted BIGINT DEFAULT '0' NOT NULL,
    failed BIGINT DEFAULT '0' NOT NULL,
    sent_bytes BIGINT DEFAULT '0' NOT NULL,
    error TEXT COLLATE "C" DEFAULT '' NOT NULL,
    CONSTRAINT pk_replication_runs PRIMARY KEY (id),
    CONSTRAINT fk_replication_runs_rule FOREIGN KEY(rule) REFERENCES replications (id) ON DELETE CASCADE
);

CREATE INDEX ix_replication_runs_rule ON replication_runs (rule);

CREATE INDEX ix_replication_runs_state ON replication_runs (state, due_ns);

CREATE TABLE repositories (
    id BIGSERIAL NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    namespace BIGINT,
    is_public BOOLEAN DEFAULT true NOT NULL,
    is_official BOOLEAN DEFAULT false NOT NULL,
    description TEXT COLLATE "C" DEFAULT '' NOT NULL,
    readme TEXT COLLATE "C" DEFAULT '' NOT NULL,
    created_ns BIGINT DEFAULT '0' NOT NULL,
    updated_ns BIGINT DEFAULT '0' NOT NULL,
    pulled_ns BIGINT DEFAULT '0' NOT NULL,
    pulls BIGINT DEFAULT '0' NOT NULL,
    stars BIGINT DEFAULT '0' NOT NULL,
    short TEXT COLLATE "C" DEFAULT '' NOT NULL,
    CONSTRAINT pk_repositories PRIMARY KEY (id),
    CONSTRAINT uq_repositories_name UNIQUE (name),
    CONSTRAINT fk_repositories_namespace FOREIGN KEY(namespace) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_repositories_namespace ON repositories (namespace);

CREATE INDEX ix_repositories_official ON repositories (is_official, id);

CREATE INDEX ix_repositories_pulls ON repositories (pulls DESC, stars DESC, name);

CREATE INDEX ix_repositories_short ON repositories (short);

CREATE INDEX ix_repositories_stars ON repositories (stars DESC, pulls DESC, name);

CREATE TABLE teams (
    id BIGSERIAL NOT NULL,
    organisation BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_teams PRIMARY KEY (id),
    CONSTRAINT uq_teams_organisation_name UNIQUE (organisation, name),
    CONSTRAINT fk_teams_organisation FOREIGN KEY(organisation) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE TABLE tokens (
    id BIGSERIAL NOT NULL,
    namespace BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    secret TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    created_ns BIGINT NOT NULL,
    expires_ns BIGINT,
    used_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT uq_tokens_namespace_kind_name UNIQUE (namespace, kind, name),
    CONSTRAINT fk_tokens_namespace FOREIGN KEY(namespace) REFERENCES namespaces (id) ON DELETE CASCADE,
    CONSTRAINT uq_tokens_secret UNIQUE (secret)
);

CREATE INDEX ix_tokens_namespace ON tokens (namespace);

CREATE TABLE users (
    id BIGINT NOT NULL,
    email TEXT COLLATE "C" DEFAULT '' NOT NULL,
    password TEXT COLLATE "C",
    issuer TEXT COLLATE "C",
    subject TEXT COLLATE "C",
    is_admin BOOLEAN DEFAULT false NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_issuer_subject UNIQUE (issuer, subject),
    CONSTRAINT fk_users_id FOREIGN KEY(id) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE TABLE grants (
    id BIGSERIAL NOT NULL,
    repository BIGINT NOT NULL,
    "user" BIGINT,
    team BIGINT,
    role TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_grants PRIMARY KEY (id),
    CONSTRAINT uq_grants_repository_user UNIQUE (repository, "user"),
    CONSTRAINT uq_grants_repository_team UNIQUE (repository, team),
    CONSTRAINT fk_grants_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_grants_user FOREIGN KEY("user") REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_grants_team FOREIGN KEY(team) REFERENCES teams (id) ON DELETE CASCADE
);

CREATE INDEX ix_grants_team ON grants (team);

CREATE INDEX ix_grants_user ON grants ("user");

CREATE TABLE immutable_tags (
    id BIGSERIAL NOT NULL,
    repository BIGINT,
    namespace BIGINT,
    pattern TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_immutable_tags PRIMARY KEY (id),
    CONSTRAINT uq_immutable_tags_repository_pattern UNIQUE (repository, pattern),
    CONSTRAINT uq_immutable_tags_namespace_pattern UNIQUE (namespace, pattern),
    CONSTRAINT ck_immutable_tags_of CHECK ((repository IS NULL) <> (namespace IS NULL)),
    CONSTRAINT fk_immutable_tags_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_immutable_tags_namespace FOREIGN KEY(namespace) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE TABLE invitations (
    secret TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    "user" BIGINT,
    expires_ns BIGINT NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (secret),
    CONSTRAINT fk_invitations_user FOREIGN KEY("user") REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE links (
    repository BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    linked_ns BIGINT NOT NULL,
    CONSTRAINT pk_links PRIMARY KEY (repository, digest),
    CONSTRAINT fk_links_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE INDEX ix_links_digest ON links (digest);

CREATE TABLE manifests (
    id BIGSERIAL NOT NULL,
    repository BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    artifact_type TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C",
    annotations BYTEA NOT NULL,
    pushed_ns BIGINT NOT NULL,
    untagged_ns BIGINT DEFAULT '0' NOT NULL,
    data BYTEA NOT NULL,
    image TEXT COLLATE "C" DEFAULT '' NOT NULL,
    platform TEXT COLLATE "C" DEFAULT '' NOT NULL,
    image_bytes BIGINT DEFAULT '0' NOT NULL,
    created_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_manifests PRIMARY KEY (id),
    CONSTRAINT uq_manifests_repository_digest UNIQUE (repository, digest),
    CONSTRAINT fk_manifests_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE INDEX ix_manifests_digest ON manifests (digest);

CREATE INDEX ix_manifests_image ON manifests (image, repository);

CREATE INDEX ix_manifests_platform ON manifests (platform, repository);

CREATE INDEX ix_manifests_platforms ON manifests (repository, platform);

CREATE INDEX ix_manifests_subject ON manifests (repository, subject, digest);

CREATE TABLE members (
    organisation BIGINT NOT NULL,
    "user" BIGINT NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_members PRIMARY KEY (organisation, "user"),
    CONSTRAINT fk_members_organisation FOREIGN KEY(organisation) REFERENCES namespaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_members_user FOREIGN KEY("user") REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_members_user ON members ("user");

CREATE TABLE postings (
    place BIGINT NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    repository BIGINT NOT NULL,
    CONSTRAINT pk_postings PRIMARY KEY (place, word, repository),
    CONSTRAINT fk_postings_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE INDEX ix_postings_repository ON postings (repository, word, place);

CREATE TABLE pulls (
    repository BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    count BIGINT NOT NULL,
    CONSTRAINT pk_pulls PRIMARY KEY (repository, digest, day),
    CONSTRAINT fk_pulls_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE TABLE replication_items (
    id BIGSERIAL NOT NULL,
    run BIGINT NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" DEFAULT '' NOT NULL,
    sent_bytes BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_replication_items PRIMARY KEY (id),
    CONSTRAINT fk_replication_items_run FOREIGN KEY(run) REFERENCES replication_runs (id) ON DELETE CASCADE
);

CREATE INDEX ix_replication_items_run ON replication_items (run);

CREATE TABLE retention (
    id BIGSERIAL NOT NULL,
    repository BIGINT,
    namespace BIGINT,
    policy TEXT COLLATE "C" NOT NULL,
    ran_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_retention PRIMARY KEY (id),
    CONSTRAINT ck_retention_of CHECK ((repository IS NULL) <> (namespace IS NULL)),
    CONSTRAINT uq_retention_repository UNIQUE (repository),
    CONSTRAINT fk_retention_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT uq_retention_namespace UNIQUE (namespace),
    CONSTRAINT fk_retention_namespace FOREIGN KEY(namespace) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    secret TEXT COLLATE "C" NOT NULL,
    "user" BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    created_ns BIGINT NOT NULL,
    used_ns BIGINT NOT NULL,
    expires_ns BIGINT NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (secret),
    CONSTRAINT fk_sessions_user FOREIGN KEY("user") REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_sessions_user ON sessions ("user");

CREATE TABLE stars (
    repository BIGINT NOT NULL,
    "user" BIGINT NOT NULL,
    starred_ns BIGINT NOT NULL,
    CONSTRAINT pk_stars PRIMARY KEY (repository, "user"),
    CONSTRAINT fk_stars_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_stars_user FOREIGN KEY("user") REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_stars_user ON stars ("user");

CREATE TABLE stars_by_day (
    repository BIGINT NOT NULL,
    day BIGINT NOT NULL,
    count BIGINT NOT NULL,
    CONSTRAINT pk_stars_by_day PRIMARY KEY (repository, day),
    CONSTRAINT fk_stars_by_day_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE TABLE tags (
    repository BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    pushed_ns BIGINT NOT NULL,
    pulled_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_tags PRIMARY KEY (repository, name),
    CONSTRAINT fk_tags_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
);

CREATE INDEX ix_tags_digest ON tags (repository, digest);

CREATE INDEX ix_tags_pushed ON tags (repository, pushed_ns DESC, name);

CREATE TABLE team_members (
    team BIGINT NOT NULL,
    "user" BIGINT NOT NULL,
    CONSTRAINT pk_team_members PRIMARY KEY (team, "user"),
    CONSTRAINT fk_team_members_team FOREIGN KEY(team) REFERENCES teams (id) ON DELETE CASCADE,
    CONSTRAINT fk_team_members_user FOREIGN KEY("user") REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_team_members_user ON team_members ("user");

CREATE TABLE webhooks (
    id BIGSERIAL NOT NULL,
    repository BIGINT,
    namespace BIGINT,
    name TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    events TEXT COLLATE "C" NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    note TEXT COLLATE "C" DEFAULT '' NOT NULL,
    created_ns BIGINT NOT NULL,
    failing_ns BIGINT,
    CONSTRAINT pk_webhooks PRIMARY KEY (id),
    CONSTRAINT ck_webhooks_of CHECK ((repository IS NULL) <> (namespace IS NULL)),
    CONSTRAINT fk_webhooks_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_webhooks_namespace FOREIGN KEY(namespace) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_webhooks_namespace ON webhooks (namespace);

CREATE INDEX ix_webhooks_repository ON webhooks (repository);

CREATE TABLE children (
    manifest BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    platform TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_children PRIMARY KEY (manifest, digest),
    CONSTRAINT fk_children_manifest FOREIGN KEY(manifest) REFERENCES manifests (id) ON DELETE CASCADE
);

CREATE INDEX ix_children_digest ON children (digest);

CREATE TABLE deliveries (
    id BIGSERIAL NOT NULL,
    webhook BIGINT NOT NULL,
    message TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    created_ns BIGINT NOT NULL,
    due_ns BIGINT NOT NULL,
    claimed_ns BIGINT DEFAULT '0' NOT NULL,
    tries BIGINT DEFAULT '0' NOT NULL,
    status BIGINT,
    answer TEXT COLLATE "C" DEFAULT '' NOT NULL,
    took_ns BIGINT DEFAULT '0' NOT NULL,
    ended_ns BIGINT,
    CONSTRAINT pk_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_deliveries_webhook FOREIGN KEY(webhook) REFERENCES webhooks (id) ON DELETE CASCADE
);

CREATE INDEX ix_deliveries_due ON deliveries (state, due_ns);

CREATE INDEX ix_deliveries_webhook ON deliveries (webhook, id);

CREATE TABLE needs (
    repository BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    manifest BIGINT NOT NULL,
    CONSTRAINT pk_needs PRIMARY KEY (repository, digest, manifest),
    CONSTRAINT fk_needs_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_needs_manifest FOREIGN KEY(manifest) REFERENCES manifests (id) ON DELETE CASCADE
);

CREATE INDEX ix_needs_manifest ON needs (manifest)
