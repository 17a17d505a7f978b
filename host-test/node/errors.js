/** The errors of this host. */

/** @import * as Contract from "./contract.js" */

/** An error of the contract, with the members of its record `error`. */
export class ConnectorError extends Error {
  /** @param {Contract.Error} error */
  constructor(error) {
    super(error.message);
    this.name = "ConnectorError";
    this.kind = error.kind;
    this.remedy = error.remedy;
    this.problems = error.problems;
    this.httpStatus = error.httpStatus;
    this.vendorCode = error.vendorCode;
    this.vendorRequestId = error.vendorRequestId;
  }
}

/**
 * A call ended without a result of the contract: the instance trapped or exceeded the time limit. If the call was `delete`,
 * every request of it counts as `outcome-unknown`: repeat them with `attempted`, or let `follow` do that. All other calls are
 * safe to repeat as they are. The next call uses a new instance with the same settings.
 */
export class CallLost extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(`The call ended without a result: ${reason}`);
    this.name = "CallLost";
  }
}
