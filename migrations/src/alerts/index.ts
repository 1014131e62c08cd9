import { CreateAlerts } from './0001-alerts.js';

/** In the order in which they are applied. */
export const alertsMigrations = [{ name: '0001-alerts', class: CreateAlerts }];
