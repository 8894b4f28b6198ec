// XML 1.0 §2.2: what may not stand in a document, escaped or not, beside halves of surrogate pairs.
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Whether every character of a text may stand in an XML document. */
export const isXmlText = (text: string): boolean => !forbidden.test(text) && text.isWellFormed();
