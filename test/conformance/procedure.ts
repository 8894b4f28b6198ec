/** A parameter of a procedure: text may be an expression such as `$(setMaxW * 0.3)` or `$(now + '5 minutes')`. */
export type Parameter =
  | string
  | number
  | boolean
  | null
  | readonly Parameter[]
  | { readonly [name: string]: Parameter };
export type Parameters = Readonly<Record<string, Parameter>>;

/** An action, a check or an event, named by its type as upstream's README describes it. */
export interface Instruction {
  readonly type: string;
  readonly parameters?: Parameters | undefined;
  /** Of a server procedure with several clients: for whom the server is to be prepared. */
  readonly client?: string | undefined;
  readonly checks?: readonly Instruction[] | undefined;
}

interface Procedure {
  readonly title: string;
  readonly category: string;
  readonly classes: readonly string[];
}

export interface ServerStep {
  readonly id: string;
  /** The first required client unless named. */
  readonly client?: string | undefined;
  /** Whose discovered resources the client uses: for tests across clients. */
  readonly use_client_context?: string | undefined;
  readonly repeat_until_pass?: boolean | undefined;
  readonly admin_instructions?: readonly Instruction[] | undefined;
  readonly action: Instruction;
  readonly checks?: readonly Instruction[] | undefined;
}

/** What a test client does with a server, one step after the other. */
export interface ServerProcedure extends Procedure {
  readonly clients: readonly { readonly id: string; readonly client_type?: 'device' | 'aggregator' | undefined }[];
  readonly steps: readonly ServerStep[];
}

export interface ClientStep {
  readonly event: Instruction;
  readonly actions: readonly Instruction[];
  readonly instructions?: readonly string[] | undefined;
}

/** What a test server waits for from a client, and what it does then. */
export interface ClientProcedure extends Procedure {
  readonly preconditions: {
    /** There is no phase of preparation: everything counts from the first request. */
    readonly immediate_start?: boolean | undefined;
    readonly init_actions?: readonly Instruction[] | undefined;
    readonly actions?: readonly Instruction[] | undefined;
    readonly checks?: readonly Instruction[] | undefined;
    readonly instructions?: readonly string[] | undefined;
  };
  readonly criteria: { readonly checks?: readonly Instruction[] | undefined };
  /** By name; the first is active at the start. */
  readonly steps: Readonly<Record<string, ClientStep>>;
}

/** Both lists, by id. */
export interface Procedures {
  readonly server: Readonly<Record<string, ServerProcedure>>;
  readonly client: Readonly<Record<string, ClientProcedure>>;
}
