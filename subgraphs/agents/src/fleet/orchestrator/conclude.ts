/** From a specialist's assessment to the verdict, by the scoring table. */
import {
  type Assessment,
  type Disposition,
  MOST_TECHNIQUES,
  SEVERITIES,
  type Severity,
  type Verdict,
} from '../../a2a/contract.js';
import { showText } from '../reasoner/event-fields.js';
import { INDICATORS, isIndicator, SEVERITY_POINTS, type Weighing, weigh } from '../reasoner/scoring.js';

export interface AlertFacts {
  readonly severity: Severity;
  readonly techniques: readonly string[];
}

/** Equal facts and assessments give equal verdicts. */
export function conclude(alert: AlertFacts, assessment: Assessment): Verdict {
  const weighing = weigh(
    alert.severity,
    assessment.findings.map((finding) => finding.indicator),
    assessment.couldNotCheck.length,
  );
  return {
    disposition: weighing.disposition,
    severity: severityOf(alert.severity, weighing),
    confidence: weighing.confidence,
    summary: summarise(alert, assessment, weighing),
    claims: assessment.findings.map(({ text, citations }) => ({ text, citations })),
    // What was found goes first where there are too many.
    techniques: [...new Set([...assessment.techniques, ...alert.techniques])]
      .filter((id) => /^T\d{4}(\.\d{3})?$/.test(id))
      .slice(0, MOST_TECHNIQUES)
      .sort(),
    entities: assessment.entities,
    timeline: assessment.timeline,
    nextSteps: nextSteps(assessment, weighing.disposition),
    couldNotCheck: assessment.couldNotCheck,
    isBudgetExhausted: assessment.isBudgetExhausted,
  };
}

/** A verdict may raise a severity. It lowers only what was found harmless, and what a rule calls critical never. */
function severityOf(severity: Severity, { disposition, score }: Weighing): Severity {
  if (severity === 'CRITICAL') return severity;
  if (disposition === 'TRUE_POSITIVE') return higher(severity, score >= 100 ? 'CRITICAL' : 'HIGH');
  return disposition === 'UNDETERMINED' ? severity : 'INFORMATIONAL';
}

function higher(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) > SEVERITIES.indexOf(b) ? a : b;
}

const MEANING: Readonly<Record<Disposition, string>> = {
  TRUE_POSITIVE: 'This looks like an attack.',
  BENIGN_POSITIVE: 'The activity is what the rule describes, and legitimate here.',
  FALSE_POSITIVE: 'The rule matched ordinary activity.',
  UNDETERMINED: 'The evidence does not decide.',
};

/** The points stand beside what they are for, those of the severity as well: a reader can add them up. */
function summarise({ severity }: AlertFacts, { findings }: Assessment, { disposition, score }: Weighing): string {
  const found = new Set(findings.map(({ indicator }) => indicator));
  const reasons = [...found].filter(isIndicator).flatMap((id) => {
    const { points, text } = INDICATORS[id];
    return points === 0 ? [] : [withPoints(text, points)];
  });
  const what = reasons.length === 0 ? 'Nothing was found that speaks for or against an attack.' : reasons.join(' ');
  const start = withPoints(`The alert is of severity ${severity}.`, SEVERITY_POINTS[severity]);
  return `${MEANING[disposition]} ${start} ${what} Score ${score}; by the built-in reasoner, without a language model.`;
}

function withPoints(sentence: string, points: number): string {
  return `${sentence.replace(/\.$/, '')} (${points < 0 ? '' : '+'}${points}).`;
}

const MAX_NAMED = 5;

function nextSteps({ findings, entities }: Assessment, disposition: Disposition): string[] {
  const found = new Set(findings.map((finding) => finding.indicator));
  const named = (type: string): string =>
    entities
      .filter((entity) => entity.type === type)
      .slice(0, MAX_NAMED)
      .map((entity) => showText(entity.value))
      .join(', ');
  const steps: (string | false)[] = [];
  if (disposition === 'TRUE_POSITIVE') {
    steps.push(named('HOST') !== '' && `Isolate from the network: ${named('HOST')}`);
    steps.push(
      (found.has('lsass_access') || found.has('credential_store_copied')) &&
        `Reset the credentials of accounts that were used on the host, beginning with: ${named('USER') || 'all of them'}`,
    );
    steps.push(
      found.has('connected_outside') &&
        named('IP') !== '' &&
        `Look for other connections to, and block: ${named('IP')}`,
    );
    steps.push(
      (found.has('autostart_written') || found.has('service_installed') || found.has('task_scheduled')) &&
        'Remove what was set up to start again.',
    );
    steps.push('Open a case and look for the same techniques on other hosts.');
  } else if (disposition === 'UNDETERMINED') {
    steps.push('Ask the owner of the host whether the activity was intended.', 'Look through the timeline by hand.');
  } else {
    steps.push('Close the alert, and suppress the rule for this activity if it comes again.');
  }
  return steps.filter((step) => step !== false);
}
