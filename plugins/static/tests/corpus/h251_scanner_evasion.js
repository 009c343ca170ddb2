/* eslint-disable no-eval, security/detect-eval-with-expression */
exports.f = (a) => a;
