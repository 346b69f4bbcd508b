CREATE TABLE audit (
    id INTEGER NOT NULL,
    at_ns BIGINT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);

CREATE INDEX ix_audit_at ON audit (at_ns);

CREATE INDEX ix_audit_target ON audit (target, at_ns);

CREATE TABLE blobs (
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    doomed_ns BIGINT,
    CONSTRAINT pk_blobs PRIMARY KEY (digest)
)
 WITHOUT ROWID;

CREATE TABLE changes (
    name TEXT NOT NULL,
    count BIGINT NOT NULL,
    CONSTRAINT pk_changes PRIMARY KEY (name)
);

CREATE TABLE claims (
    digest TEXT NOT NULL,
    upload TEXT NOT NULL,
    claimed_ns BIGINT NOT NULL,
    CONSTRAINT pk_claims PRIMARY KEY (digest, upload)
)
 WITHOUT ROWID;

CREATE TABLE failures (
    who TEXT NOT NULL,
    count BIGINT NOT NULL,
    last_ns BIGINT NOT NULL,
    CONSTRAINT pk_failures PRIMARY KEY (who)
);

CREATE TABLE namespaces (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    display_name TEXT DEFAULT '' NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    created_ns BIGINT NOT NULL,
    limit_bytes BIGINT,
    used_bytes BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT ck_namespaces_kind CHECK (kind IN ('user', 'organisation')),
    CONSTRAINT uq_namespaces_name UNIQUE (name)
);

CREATE TABLE replications (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    direction TEXT NOT NULL,
    registry TEXT NOT NULL,
    username TEXT DEFAULT '' NOT NULL,
    secret BLOB,
    source_prefix TEXT DEFAULT '' NOT NULL,
    target_prefix TEXT DEFAULT '' NOT NULL,
    repositories TEXT NOT NULL,
    tags TEXT NOT NULL,
    newest BIGINT DEFAULT '0' NOT NULL,
    on_event BOOLEAN DEFAULT 0 NOT NULL,
    every_seconds BIGINT DEFAULT '0' NOT NULL,
    deletes BOOLEAN DEFAULT 0 NOT NULL,
    is_active BOOLEAN DEFAULT 1 NOT NULL,
    created_ns BIGINT NOT NULL,
    due_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_replications PRIMARY KEY (id),
    CONSTRAINT uq_replications_name UNIQUE (name)
);

CREATE TABLE signing_keys (
    id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    private BLOB,
    public BLOB NOT NULL,
    created_ns BIGINT NOT NULL,
    retired_ns BIGINT,
    CONSTRAINT pk_signing_keys PRIMARY KEY (id)
);

CREATE TABLE spellings (
    spelling TEXT NOT NULL,
    word TEXT NOT NULL,
    CONSTRAINT pk_spellings PRIMARY KEY (spelling, word)
)
 WITHOUT ROWID;

CREATE INDEX ix_spellings_word ON spellings (word);

CREATE TABLE turns (
    name TEXT NOT NULL,
    next_ns BIGINT NOT NULL,
    CONSTRAINT pk_turns PRIMARY KEY (name)
);

CREATE TABLE replicated (
    id INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    digest TEXT NOT NULL,
    CONSTRAINT pk_replicated PRIMARY KEY (id),
    CONSTRAINT uq_replicated_rule_repository_tag UNIQUE (rule, repository, tag),
    CONSTRAINT fk_replicated_rule FOREIGN KEY(rule) REFERENCES replications (id) ON DELETE CASCADE
);

CREATE TABLE replication_runs (
    id INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    cause TEXT NOT NULL,
    scope TEXT DEFAULT '' NOT NULL,
    state TEXT NOT NULL,
    made_ns BIGINT NOT NULL,
    due_ns BIGINT NOT NULL,
    began_ns BIGINT DEFAULT '0' NOT NULL,
    ended_ns BIGINT DEFAULT '0' NOT NULL,
    beat_ns BIGINT DEFAULT '0' NOT NULL,
    holder TEXT DEFAULT '' NOT NULL,
    attempts BIGINT DEFAULT '0' NOT NULL,
    copied BIGINT DEFAULT '0' NOT NULL,
    same BIGINT DEFAULT '0' NOT NULL,
    deleted BIGINT DEFAULT '0' NOT NULL,
    failed BIGINT DEFAULT '0' NOT NULL,
    sent_bytes BIGINT DEFAULT '0' NOT NULL,
    error TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_replication_runs PRIMARY KEY (id),
    CONSTRAINT fk_replication_runs_rule FOREIGN KEY(rule) REFERENCES replications (id) ON DELETE CASCADE
);

CREATE INDEX ix_replication_runs_rule ON replication_runs (rule);

CREATE INDEX ix_replication_runs_state ON replication_runs (state, due_ns);

CREATE TABLE repositories (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    namespace INTEGER,
    is_public BOOLEAN DEFAULT 1 NOT NULL,
    is_official BOOLEAN DEFAULT 0 NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    readme TEXT DEFAULT '' NOT NULL,
    created_ns BIGINT DEFAULT '0' NOT NULL,
    updated_ns BIGINT DEFAULT '0' NOT NULL,
    pulled_ns BIGINT DEFAULT '0' NOT NULL,
    pulls BIGINT DEFAULT '0' NOT NULL,
    stars BIGINT DEFAULT '0' NOT NULL,
    short TEXT DEFAULT '' NOT NULL,
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
    id INTEGER NOT NULL,
    organisation INTEGER NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_teams PRIMARY KEY (id),
    CONSTRAINT uq_teams_organisation_name UNIQUE (organisation, name),
    CONSTRAINT fk_teams_organisation FOREIGN KEY(organisation) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE TABLE tokens (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    secret TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_ns BIGINT NOT NULL,
    expires_ns BIGINT,
    used_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT uq_tokens_namespace_kind_name UNIQUE (namespace, kind, name),
    CONSTRAINT fk_tokens_namespace FOREIGN KEY(namespace) REFERENCES namespaces (id) ON DELETE CASCADE,
    CONSTRAINT uq_tokens_secret UNIQUE (secret)
);

CREATE INDEX ix_tokens_namespace ON tokens (namespace);

CREATE TABLE users (
    id INTEGER NOT NULL,
    email TEXT DEFAULT '' NOT NULL,
    password TEXT,
    issuer TEXT,
    subject TEXT,
    is_admin BOOLEAN DEFAULT 0 NOT NULL,
    is_active BOOLEAN DEFAULT 1 NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_issuer_subject UNIQUE (issuer, subject),
    CONSTRAINT fk_users_id FOREIGN KEY(id) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE TABLE grants (
    id INTEGER NOT NULL,
    repository INTEGER NOT NULL,
    user INTEGER,
    team INTEGER,
    role TEXT NOT NULL,
    CONSTRAINT pk_grants PRIMARY KEY (id),
    CONSTRAINT uq_grants_repository_user UNIQUE (repository, user),
    CONSTRAINT uq_grants_repository_team UNIQUE (repository, team),
    CONSTRAINT fk_grants_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_grants_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_grants_team FOREIGN KEY(team) REFERENCES teams (id) ON DELETE CASCADE
);

CREATE INDEX ix_grants_team ON grants (team);

CREATE INDEX ix_grants_user ON grants (user);

CREATE TABLE immutable_tags (
    id INTEGER NOT NULL,
    repository INTEGER,
    namespace INTEGER,
    pattern TEXT NOT NULL,
    CONSTRAINT pk_immutable_tags PRIMARY KEY (id),
    CONSTRAINT uq_immutable_tags_repository_pattern UNIQUE (repository, pattern),
    CONSTRAINT uq_immutable_tags_namespace_pattern UNIQUE (namespace, pattern),
    CONSTRAINT ck_immutable_tags_of CHECK ((repository IS NULL) <> (namespace IS NULL)),
    CONSTRAINT fk_immutable_tags_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_immutable_tags_namespace FOREIGN KEY(namespace) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE TABLE invitations (
    secret TEXT NOT NULL,
    purpose TEXT NOT NULL,
    user INTEGER,
    expires_ns BIGINT NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (secret),
    CONSTRAINT fk_invitations_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE links (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    size BIGINT NOT NULL,
    linked_ns BIGINT NOT NULL,
    CONSTRAINT pk_links PRIMARY KEY (repository, digest),
    CONSTRAINT fk_links_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX ix_links_digest ON links (digest);

CREATE TABLE manifests (
    id INTEGER NOT NULL,
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    artifact_type TEXT NOT NULL,
    subject TEXT,
    annotations BLOB NOT NULL,
    pushed_ns BIGINT NOT NULL,
    untagged_ns BIGINT DEFAULT '0' NOT NULL,
    data BLOB NOT NULL,
    image TEXT DEFAULT '' NOT NULL,
    platform TEXT DEFAULT '' NOT NULL,
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
    organisation INTEGER NOT NULL,
    user INTEGER NOT NULL,
    role TEXT NOT NULL,
    CONSTRAINT pk_members PRIMARY KEY (organisation, user),
    CONSTRAINT fk_members_organisation FOREIGN KEY(organisation) REFERENCES namespaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_members_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_members_user ON members (user);

CREATE TABLE postings (
    place BIGINT NOT NULL,
    word TEXT NOT NULL,
    repository INTEGER NOT NULL,
    CONSTRAINT pk_postings PRIMARY KEY (place, word, repository),
    CONSTRAINT fk_postings_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX ix_postings_repository ON postings (repository, word, place);

CREATE TABLE pulls (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    day BIGINT NOT NULL,
    count BIGINT NOT NULL,
    CONSTRAINT pk_pulls PRIMARY KEY (repository, digest, day),
    CONSTRAINT fk_pulls_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE TABLE replication_items (
    id INTEGER NOT NULL,
    run INTEGER NOT NULL,
    repository TEXT NOT NULL,
    reference TEXT NOT NULL,
    digest TEXT NOT NULL,
    outcome TEXT NOT NULL,
    why TEXT DEFAULT '' NOT NULL,
    sent_bytes BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_replication_items PRIMARY KEY (id),
    CONSTRAINT fk_replication_items_run FOREIGN KEY(run) REFERENCES replication_runs (id) ON DELETE CASCADE
);

CREATE INDEX ix_replication_items_run ON replication_items (run);

CREATE TABLE retention (
    id INTEGER NOT NULL,
    repository INTEGER,
    namespace INTEGER,
    policy TEXT NOT NULL,
    ran_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_retention PRIMARY KEY (id),
    CONSTRAINT ck_retention_of CHECK ((repository IS NULL) <> (namespace IS NULL)),
    CONSTRAINT uq_retention_repository UNIQUE (repository),
    CONSTRAINT fk_retention_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT uq_retention_namespace UNIQUE (namespace),
    CONSTRAINT fk_retention_namespace FOREIGN KEY(namespace) REFERENCES namespaces (id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    secret TEXT NOT NULL,
    user INTEGER NOT NULL,
    kind TEXT NOT NULL,
    client TEXT NOT NULL,
    address TEXT NOT NULL,
    created_ns BIGINT NOT NULL,
    used_ns BIGINT NOT NULL,
    expires_ns BIGINT NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (secret),
    CONSTRAINT fk_sessions_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_sessions_user ON sessions (user);

CREATE TABLE stars (
    repository INTEGER NOT NULL,
    user INTEGER NOT NULL,
    starred_ns BIGINT NOT NULL,
    CONSTRAINT pk_stars PRIMARY KEY (repository, user),
    CONSTRAINT fk_stars_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_stars_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_stars_user ON stars (user);

CREATE TABLE stars_by_day (
    repository INTEGER NOT NULL,
    day BIGINT NOT NULL,
    count BIGINT NOT NULL,
    CONSTRAINT pk_stars_by_day PRIMARY KEY (repository, day),
    CONSTRAINT fk_stars_by_day_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE TABLE tags (
    repository INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    pushed_ns BIGINT NOT NULL,
    pulled_ns BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_tags PRIMARY KEY (repository, name),
    CONSTRAINT fk_tags_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX ix_tags_digest ON tags (repository, digest);

CREATE INDEX ix_tags_pushed ON tags (repository, pushed_ns DESC, name);

CREATE TABLE team_members (
    team INTEGER NOT NULL,
    user INTEGER NOT NULL,
    CONSTRAINT pk_team_members PRIMARY KEY (team, user),
    CONSTRAINT fk_team_members_team FOREIGN KEY(team) REFERENCES teams (id) ON DELETE CASCADE,
    CONSTRAINT fk_team_members_user FOREIGN KEY(user) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX ix_team_members_user ON team_members (user);

CREATE TABLE webhooks (
    id INTEGER NOT NULL,
    repository INTEGER,
    namespace INTEGER,
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    events TEXT NOT NULL,
    is_active BOOLEAN DEFAULT 1 NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
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
    manifest INTEGER NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    platform TEXT NOT NULL,
    CONSTRAINT pk_children PRIMARY KEY (manifest, digest),
    CONSTRAINT fk_children_manifest FOREIGN KEY(manifest) REFERENCES manifests (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX ix_children_digest ON children (digest);

CREATE TABLE deliveries (
    id INTEGER NOT NULL,
    webhook INTEGER NOT NULL,
    message TEXT NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    created_ns BIGINT NOT NULL,
    due_ns BIGINT NOT NULL,
    claimed_ns BIGINT DEFAULT '0' NOT NULL,
    tries BIGINT DEFAULT '0' NOT NULL,
    status BIGINT,
    answer TEXT DEFAULT '' NOT NULL,
    took_ns BIGINT DEFAULT '0' NOT NULL,
    ended_ns BIGINT,
    CONSTRAINT pk_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_deliveries_webhook FOREIGN KEY(webhook) REFERENCES webhooks (id) ON DELETE CASCADE
);

CREATE INDEX ix_deliveries_due ON deliveries (state, due_ns);

CREATE INDEX ix_deliveries_webhook ON deliveries (webhook, id);

CREATE TABLE needs (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    manifest INTEGER NOT NULL,
    CONSTRAINT pk_needs PRIMARY KEY (repository, digest, manifest),
    CONSTRAINT fk_needs_repository FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE,
    CONSTRAINT fk_needs_manifest FOREIGN KEY(manifest) REFERENCES manifests (id) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX ix_needs_manifest ON needs (manifest)
