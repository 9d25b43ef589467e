/** The contract for what a project has besides its logs: its name, configs, the active one, and types of feedback. */
import type { FeedbackClass, FeedbackLabel, ModelConfig } from '../../wire/v4.ts';

/** Each method resolves to `undefined` if there is no such project. Each is one transaction. */
export interface ProjectStore {
  /** Rejects with `NameTakenError`, or with `RejectedFieldError` for a config that is not one of the project. */
  update(id: string, change: ProjectChange): Promise<ProjectResponse | undefined>;

  /**
   * Makes the project of that name if need be. A config with equal content is registered once. The first config of a
   * project becomes its active one. Rejects with `RejectedFieldError` for an unknown project id.
   */
  registerConfig(project: ProjectSelector, config: ModelConfig): Promise<ProjectConfigResponse>;
  /** Of any project. */
  getConfig(id: string): Promise<WrittenConfig | undefined>;
  /** Those used last come first. Old ones are left out where there are more than one answer may have. */
  listConfigs(id: string): Promise<ProjectConfigResponse[] | undefined>;

  /** `null` if none is active. */
  getActiveConfig(id: string): Promise<ProjectConfigResponse | null | undefined>;
  /** Resolves to the project. */
  clearActiveConfig(id: string): Promise<ProjectResponse | undefined>;

  /**
   * Defines types of feedback; labels are added to those that a type has. Resolves to the given types as they are then.
   * With `areNew`, rejects with `NameTakenError` for a type that is defined. Rejects with `RejectedItemError`.
   */
  defineFeedbackTypes(
    id: string,
    types: readonly FeedbackTypeDefinition[],
    options: { areNew: boolean },
  ): Promise<FeedbackTypeResponse[] | undefined>;
}

export interface ProjectResponse {
  id: string;
  name: string;
  users: never[];
  data_count: number;
  /** Those that are defined, and those of which there is feedback. */
  feedback_types: FeedbackTypeResponse[];
  active_config?: ProjectConfigResponse;
  team_id: string;
  /** Type of the project's first config. */
  config_type?: string;
  created_at: string;
  updated_at: string;
}

export type ProjectSelector = { readonly id: string } | { readonly name: string };

export interface ProjectChange {
  readonly name?: string;
  readonly activeConfigId?: string;
}

export interface FeedbackTypeDefinition {
  readonly type: string;
  /** Default: that of the type as it is defined, or `select` for `rating`, `action` and `issue`. */
  readonly class?: FeedbackClass;
  readonly values?: readonly FeedbackLabel[];
}

export interface FeedbackTypeResponse {
  type: string;
  values?: Required<FeedbackLabel>[];
}

export interface WrittenConfig {
  readonly type: string;
  /** That of a `ConfigResponse`. */
  readonly json: string;
}

/** The config as it was logged or registered, with its id. */
export type ConfigResponse = Record<string, unknown> & { id: string; type: string };

export interface ProjectConfigResponse {
  project_id: string;
  project_name: string;
  created_at: string;
  updated_at: string;
  last_used: string;
  config: ConfigResponse;
}
