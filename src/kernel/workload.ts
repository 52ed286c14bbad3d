/** What clouds tell to what runs on them. These names only; a definition can't read others this way. */
export const workloadVariables = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_PROFILE',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_EC2_METADATA_DISABLED',
  'AZURE_TENANT_ID',
  'AZURE_CLIENT_ID',
  'AZURE_AUTHORITY_HOST',
  'IDENTITY_ENDPOINT',
  'IDENTITY_HEADER',
] as const;
export type WorkloadVariable = (typeof workloadVariables)[number];

/** Variables that hold the path of a file, and where the file lies when they are not set (`~` is the home folder). */
export const workloadFiles = {
  AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: undefined,
  AWS_SHARED_CREDENTIALS_FILE: '~/.aws/credentials',
  AZURE_FEDERATED_TOKEN_FILE: undefined,
  GOOGLE_APPLICATION_CREDENTIALS: '~/.config/gcloud/application_default_credentials.json',
} as const;
export type WorkloadFile = keyof typeof workloadFiles;

/** The identity that the platform gives to the process: the operator's word, not that of a definition. */
export interface Workload {
  /** Undefined where it is not set or empty. */
  variable(name: WorkloadVariable): string | undefined;
  /**
   * The text of the file, read again when it changes. Undefined where neither the variable is set nor the usual file is
   * there; TOKEN_UNAVAILABLE where the variable names a file that can't be read.
   */
  file(name: WorkloadFile): string | undefined;
}
