/** Top-level parameters that each operation takes, by its SDK type declarations (stripe 23.1.0). `expand` goes everywhere. */
export const ACCEPTED: Record<string, readonly string[]> = {
	'POST /v1/checkout/sessions':
		'adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types automatic_tax billing_address_collection branding_settings cancel_url client_reference_id consent_collection currency custom_fields custom_text customer customer_account customer_creation customer_email customer_update discounts excluded_payment_method_types expires_at integration_identifier invoice_creation line_items locale managed_payments metadata mode name_collection optional_items origin_context payment_intent_data payment_method_collection payment_method_configuration payment_method_data payment_method_options permissions phone_number_collection redirect_on_completion return_url saved_payment_method_options setup_intent_data shipping_address_collection shipping_options submit_type subscription_data success_url tax_id_collection ui_mode wallet_options'.split(
			' '
		),
	'GET /v1/checkout/sessions':
		'created customer customer_account customer_details payment_intent payment_link status subscription ending_before limit starting_after'.split(
			' '
		),
	'GET /v1/checkout/sessions/:id': [],
	'POST /v1/checkout/sessions/:id/expire': [],
	'GET /v1/checkout/sessions/:id/line_items': 'ending_before limit starting_after'.split(' '),
	'POST /v1/customers':
		'address balance business_name cash_balance description email individual_name invoice_prefix invoice_settings metadata name next_invoice_sequence payment_method phone preferred_locales shipping source tax tax_exempt tax_id_data test_clock validate'.split(
			' '
		),
	'GET /v1/customers': 'created email test_clock ending_before limit starting_after'.split(' '),
	'GET /v1/customers/:id': [],
	'POST /v1/customers/:id':
		'address balance business_name cash_balance default_source description email individual_name invoice_prefix invoice_settings metadata name next_invoice_sequence phone preferred_locales shipping source tax tax_exempt validate'.split(
			' '
		),
	'DELETE /v1/customers/:id': [],
	'POST /v1/subscriptions':
		'add_invoice_items application_fee_percent automatic_tax backdate_start_date billing_cycle_anchor billing_cycle_anchor_config billing_mode billing_schedules billing_thresholds cancel_at cancel_at_period_end collection_method currency customer customer_account days_until_due default_payment_method default_source default_tax_rates description discounts invoice_settings items metadata off_session on_behalf_of payment_behavior payment_settings pending_invoice_item_interval proration_behavior transfer_data trial_end trial_from_plan trial_period_days trial_settings'.split(
			' '
		),
	'GET /v1/subscriptions':
		'automatic_tax collection_method created current_period_end current_period_start customer customer_account plan price status test_clock ending_before limit starting_after'.split(
			' '
		),
	'GET /v1/subscriptions/:id': [],
	'POST /v1/subscriptions/:id':
		'add_invoice_items application_fee_percent automatic_tax billing_cycle_anchor billing_schedules billing_thresholds cancel_at cancel_at_period_end cancellation_details collection_method days_until_due default_payment_method default_source default_tax_rates description discounts invoice_settings items metadata off_session on_behalf_of pause_collection payment_behavior payment_settings pending_invoice_item_interval proration_behavior proration_date transfer_data trial_end trial_from_plan trial_settings'.split(
			' '
		),
	'DELETE /v1/subscriptions/:id': 'cancellation_details invoice_now prorate'.split(' '),
	'POST /v1/subscriptions/:id/resume':
		'billing_cycle_anchor payment_behavior proration_behavior proration_date'.split(' '),
	'GET /v1/subscription_items': 'subscription ending_before limit starting_after'.split(' '),
	'POST /v1/subscription_items':
		'subscription billing_thresholds current_trial discounts metadata payment_behavior plan price price_data proration_behavior proration_date quantity tax_rates'.split(
			' '
		),
	'POST /v1/subscription_items/:id':
		'billing_thresholds current_trial discounts metadata off_session payment_behavior plan price price_data proration_behavior proration_date quantity tax_rates'.split(
			' '
		),
	'GET /v1/subscription_items/:id': [],
	'DELETE /v1/subscription_items/:id':
		'clear_usage payment_behavior proration_behavior proration_date'.split(' '),
	'POST /v1/subscription_schedules':
		'billing_mode customer customer_account default_settings end_behavior from_subscription metadata pause_schedules phases start_date'.split(
			' '
		),
	'GET /v1/subscription_schedules/:id': [],
	'POST /v1/subscription_schedules/:id':
		'default_settings end_behavior metadata pause_schedules phases proration_behavior'.split(' '),
	'POST /v1/subscription_schedules/:id/release': 'preserve_cancel_date'.split(' '),
	'GET /v1/invoices':
		'collection_method created customer customer_account due_date status subscription ending_before limit starting_after'.split(
			' '
		),
	'GET /v1/invoices/:id': [],
	'POST /v1/invoices/:id/pay':
		'forgive mandate off_session paid_out_of_band payment_method source'.split(' '),
	'POST /v1/invoices/:id/finalize': 'auto_advance'.split(' '),
	'POST /v1/invoices/:id/void': [],
	'POST /v1/invoices/create_preview':
		'automatic_tax currency customer customer_account customer_details discounts invoice_items issuer on_behalf_of preview_mode schedule schedule_details subscription subscription_details'.split(
			' '
		),
	'GET /v1/invoice_payments':
		'created invoice payment status ending_before limit starting_after'.split(' '),
	'POST /v1/billing_portal/sessions':
		'after_expiration configuration customer customer_account flow_data locale on_behalf_of return_url'.split(
			' '
		),
	'POST /v1/billing_portal/configurations':
		'features business_profile default_return_url login_page metadata name'.split(' '),
	'GET /v1/billing_portal/configurations':
		'active is_default ending_before limit starting_after'.split(' '),
	'POST /v1/billing_portal/configurations/:id':
		'active business_profile default_return_url features login_page metadata name'.split(' '),
	'GET /v1/events/:id': [],
	'GET /v1/events': 'created delivery_success type types ending_before limit starting_after'.split(
		' '
	),
	'POST /v1/webhook_endpoints': 'enabled_events url api_version connect description metadata'.split(
		' '
	),
	'GET /v1/webhook_endpoints': 'ending_before limit starting_after'.split(' '),
	'POST /v1/webhook_endpoints/:id': 'description disabled enabled_events metadata url'.split(' '),
	'DELETE /v1/webhook_endpoints/:id': [],
	'GET /v1/products':
		'active created ids shippable type url ending_before limit starting_after'.split(' '),
	'POST /v1/products':
		'name active default_price_data description id images marketing_features metadata package_dimensions shippable statement_descriptor tax_code tax_details type unit_label url'.split(
			' '
		),
	'GET /v1/products/:id': [],
	'POST /v1/products/:id':
		'active default_price description images marketing_features metadata name package_dimensions shippable statement_descriptor tax_code tax_details unit_label url'.split(
			' '
		),
	'GET /v1/prices':
		'active created currency lookup_keys product recurring type ending_before limit starting_after'.split(
			' '
		),
	'POST /v1/prices':
		'currency active billing_scheme currency_options custom_unit_amount lookup_key metadata nickname product product_data recurring tax_behavior tiers tiers_mode transfer_lookup_key transform_quantity unit_amount unit_amount_decimal'.split(
			' '
		),
	'GET /v1/prices/:id': [],
	'POST /v1/prices/:id':
		'active currency_options lookup_key metadata nickname tax_behavior transfer_lookup_key'.split(
			' '
		),
	'POST /v1/refunds':
		'amount charge currency customer instructions_email metadata origin payment_intent reason refund_application_fee reverse_transfer'.split(
			' '
		),
	'GET /v1/refunds': 'charge created payment_intent ending_before limit starting_after'.split(' '),
	'GET /v1/refunds/:id': [],
	'POST /v1/refunds/:id': 'metadata'.split(' '),
	'POST /v1/credit_notes':
		'invoice amount credit_amount effective_at email_type lines memo metadata out_of_band_amount reason refund_amount refunds shipping_cost'.split(
			' '
		),
	'GET /v1/credit_notes':
		'created customer customer_account invoice ending_before limit starting_after'.split(' '),
	'GET /v1/credit_notes/preview':
		'invoice amount credit_amount effective_at email_type lines memo metadata out_of_band_amount reason refund_amount refunds shipping_cost'.split(
			' '
		),
	'GET /v1/credit_notes/:id': [],
	'POST /v1/credit_notes/:id': 'memo metadata'.split(' '),
	'POST /v1/credit_notes/:id/void': [],
	'POST /v1/test_helpers/test_clocks': 'frozen_time customer name'.split(' '),
	'GET /v1/test_helpers/test_clocks': 'ending_before limit starting_after'.split(' '),
	'GET /v1/test_helpers/test_clocks/:id': [],
	'DELETE /v1/test_helpers/test_clocks/:id': [],
	'POST /v1/test_helpers/test_clocks/:id/advance': 'frozen_time'.split(' '),
	'POST /v1/payment_methods':
		'acss_debit affirm afterpay_clearpay alipay allow_redisplay alma amazon_pay au_becs_debit bacs_debit bancontact billie billing_details bizum blik boleto card cashapp crypto custom customer customer_balance eps fpx giropay grabpay ideal interac_present kakao_pay klarna konbini kr_card link mb_way metadata mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco payment_method paynow paypal paypay payto pix promptpay radar_options revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint type upi us_bank_account wechat_pay zip'.split(
			' '
		),
	'GET /v1/payment_methods':
		'allow_redisplay customer customer_account type ending_before limit starting_after'.split(' '),
	'GET /v1/payment_methods/:id': [],
	'POST /v1/payment_methods/:id':
		'allow_redisplay billing_details card metadata us_bank_account'.split(' '),
	'POST /v1/payment_methods/:id/attach': 'customer customer_account'.split(' '),
	'POST /v1/payment_methods/:id/detach': [],
	'GET /v1/customers/:id/payment_methods':
		'allow_redisplay type ending_before limit starting_after'.split(' '),
	'POST /v1/customers/:id/tax_ids': 'type value'.split(' '),
	'GET /v1/customers/:id/tax_ids': 'ending_before limit starting_after'.split(' '),
	'GET /v1/customers/:id/tax_ids/:tax_id': [],
	'DELETE /v1/customers/:id/tax_ids/:tax_id': [],
	'POST /v1/setup_intents':
		'allowed_payment_method_types attach_to_self automatic_payment_methods confirm confirmation_token customer customer_account description excluded_payment_method_types flow_directions mandate_data metadata on_behalf_of payment_method payment_method_configuration payment_method_data payment_method_options return_url single_use usage use_stripe_sdk'.split(
			' '
		),
	'GET /v1/setup_intents':
		'attach_to_self created customer customer_account payment_method ending_before limit starting_after'.split(
			' '
		),
	'GET /v1/setup_intents/:id': 'client_secret'.split(' '),
	'POST /v1/setup_intents/:id':
		'allowed_payment_method_types attach_to_self customer customer_account description excluded_payment_method_types flow_directions metadata payment_method payment_method_configuration payment_method_data payment_method_options'.split(
			' '
		),
	'GET /v1/payment_intents':
		'created customer customer_account ending_before limit starting_after'.split(' '),
	'GET /v1/payment_intents/:id': 'client_secret'.split(' '),
	'GET /v1/charges':
		'created customer payment_intent transfer_group ending_before limit starting_after'.split(' '),
	'GET /v1/charges/:id': [],
	'GET /v1/disputes': 'charge created payment_intent ending_before limit starting_after'.split(' '),
	'GET /v1/disputes/:id': [],
	'POST /v1/coupons':
		'amount_off applies_to currency currency_options duration duration_in_months id max_redemptions metadata name percent_off redeem_by'.split(
			' '
		),
	'GET /v1/coupons': 'created ending_before limit starting_after'.split(' '),
	'GET /v1/coupons/:id': [],
	'POST /v1/coupons/:id': 'currency_options metadata name'.split(' '),
	'DELETE /v1/coupons/:id': [],
	'POST /v1/promotion_codes':
		'promotion active code customer customer_account expires_at max_redemptions metadata restrictions'.split(
			' '
		),
	'GET /v1/promotion_codes':
		'active code coupon created customer customer_account ending_before limit starting_after'.split(
			' '
		),
	'GET /v1/promotion_codes/:id': [],
	'POST /v1/promotion_codes/:id': 'active metadata restrictions'.split(' ')
};
